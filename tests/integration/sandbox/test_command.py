"""`impact-calendar sandbox --print-env`: the settings of the portal too."""

import pytest
from typer.testing import CliRunner

from streams.cli.main import app


@pytest.mark.parametrize(
    ("arguments", "environment", "portal"),
    [
        ([], {}, "http://127.0.0.1:8000"),
        ([], {"IMPACT_PORTAL_URL": "http://127.0.0.1:9001"}, "http://127.0.0.1:9001"),
        (["--portal-url", "http://127.0.0.1:9002/"], {"IMPACT_PORTAL_URL": "http://127.0.0.1:9001"}, "http://127.0.0.1:9002"),
    ],
)
def test_the_printed_settings_name_the_portal_and_the_issuer(arguments: list[str], environment: dict[str, str], portal: str) -> None:
    env = {"IMPACT_PORTAL_URL": None, **environment}
    result = CliRunner().invoke(app, ["sandbox", "--port", "8123", "--print-env", *arguments], env=env)
    assert result.exit_code == 0, result.output
    printed = dict(line.removeprefix("export ").split("=", 1) for line in result.stdout.split("\n") if line)
    assert printed["IMPACT_PORTAL_URL"] == portal
    assert printed["IMPACT_OIDC_ISSUER"] == "http://127.0.0.1:8123/oidc"
    assert printed["IMPACT_GOOGLE_AUTHORIZE_URL"] == "http://127.0.0.1:8123/google/authorize"
    assert {"IMPACT_OIDC_CLIENT_ID", "IMPACT_OIDC_CLIENT_SECRET", "IMPACT_MICROSOFT_AUTHORITY"} <= printed.keys()
