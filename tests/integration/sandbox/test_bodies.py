"""Bodies that are no forms, at every address that takes one."""

import pytest

from tests.integration.sandbox.client import Client

PATHS = (
    "/oidc/authorize",
    "/oidc/token",
    "/oidc/logout",
    "/google/authorize",
    "/google/token",
    "/google/revoke",
    "/common/oauth2/v2.0/authorize",
    "/common/oauth2/v2.0/token",
    "/common/adminconsent",
)
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"\xff\xfe=1", FORM), (b"a=1", f"{FORM}; charset=nonsense"), (b"x", "multipart/form-data; boundary=x")],
)
async def test_a_body_that_cannot_be_read_is_a_bad_request(client: Client, path: str, body: bytes, kind: str) -> None:
    reply = await client.ask("POST", path, data=body, headers={"Content-Type": kind}, allow_redirects=False)
    assert reply.status == 400


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/oidc/logout"])
async def test_a_body_of_another_kind_is_refused(client: Client, path: str) -> None:
    reply = await client.ask("POST", path, {"grant_type": "authorization_code"}, allow_redirects=False)
    assert 400 <= reply.status < 500
