"""docker-compose.yml, the Makefile and the hooks name things that exist."""

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml
from typer.main import get_command

from infra.kafka.container import IMAGE
from streams.cli.main import app
from streams.settings import Settings

_ROOT = Path(__file__).parents[3]
_COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_SERVICES: dict[str, Any] = _COMPOSE["services"]
#: The commands that run until they are stopped; kafka, sandbox and demo are for development.
_LONG_RUNNING = ("execute", "fold", "portal", "read-model", "redeliver")
_OURS = sorted(name for name, service in _SERVICES.items() if service["image"] == "impact-calendar")


def test_compose_has_the_broker_its_topics_the_database_and_every_long_running_command() -> None:
    assert sorted(_SERVICES) == sorted(["broker", "database", "topics", *_LONG_RUNNING])
    assert {_SERVICES[name]["command"][0] for name in _LONG_RUNNING} == set(_LONG_RUNNING)
    assert _SERVICES["broker"]["image"] == IMAGE == "apache/kafka:" + _kafka_version()


def _kafka_version() -> str:
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)<", (_ROOT / "infra/kafka/pom.xml").read_text())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", _OURS)
def test_each_service_runs_a_command_that_exists(name: str) -> None:
    command: Any = get_command(app)
    words = list(_SERVICES[name]["command"])
    while words and not words[0].startswith("--"):
        command = command.commands[words.pop(0)]
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize("name", _OURS)
def test_each_service_gets_settings_that_are_accepted(name: str) -> None:
    environment = {key: _default(value) for key, value in _SERVICES[name]["environment"].items()}
    settings = Settings.from_env(environment)
    assert settings.kafka.bootstrap_servers == ("broker:29092",)


@pytest.mark.parametrize("name", _OURS)
def test_each_setting_of_a_service_exists(name: str) -> None:
    known = set(re.findall(r"`(IMPACT_[A-Z_]+)`", (_ROOT / "README.md").read_text()))
    assert set(_SERVICES[name]["environment"]) <= known
    for value in _SERVICES[name]["environment"].values():
        assert set(re.findall(r"\$\{(IMPACT_[A-Z_]+)", value)) <= known


def test_the_portal_can_be_given_everything_that_only_it_needs() -> None:
    theirs = {name for name in re.findall(r"`(IMPACT_[A-Z_]+)`", (_ROOT / "README.md").read_text()) if "_OIDC_" in name}
    assert theirs | {"IMPACT_PORTAL_URL", "IMPACT_SESSION_KEY", "IMPACT_VAULT_KEYS"} <= set(_SERVICES["portal"]["environment"])
    complete = {"IMPACT_OIDC_ISSUER": "https://issuer.example", "IMPACT_OIDC_CLIENT_ID": "id", "IMPACT_OIDC_CLIENT_SECRET": "secret"}
    key = {"IMPACT_SESSION_KEY": base64.b64encode(bytes(32)).decode()}
    environment = {key: _default(value) for key, value in _SERVICES["portal"]["environment"].items()}
    Settings.from_env(environment | complete | key).portal.require()


def test_the_portal_reads_the_database_that_the_read_model_writes() -> None:
    database, addresses = _SERVICES["database"]["environment"], set()
    for name in ("portal", "read-model"):
        addresses.add(_default(_SERVICES[name]["environment"]["IMPACT_DATABASE_URL"]))
        assert _SERVICES[name]["depends_on"]["database"] == {"condition": "service_healthy"}
    (address,) = map(urlsplit, addresses)
    assert (address.scheme, address.hostname) == ("postgresql", "database")
    assert (address.username, address.password) == (database["POSTGRES_USER"], _default(database["POSTGRES_PASSWORD"]))
    assert address.path == "/" + database["POSTGRES_DB"]
    assert "ports" not in _SERVICES["database"]


def test_the_portal_is_watched_and_reached_at_the_port_it_listens_on() -> None:
    portal = _SERVICES["portal"]
    port = portal["command"][portal["command"].index("--port") + 1]
    assert f"http://127.0.0.1:{port}/healthz" in portal["healthcheck"]["test"][-1]
    (published,) = portal["ports"]
    assert published == f"127.0.0.1:{port}:{port}"
    assert _default(portal["environment"]["IMPACT_PORTAL_URL"]) == f"http://localhost:{port}"


def _default(value: str) -> str:
    """What compose puts in when no variable is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


@pytest.mark.parametrize("name", ["fold", "execute", "redeliver", "read-model"])
def test_each_worker_waits_for_the_topics_and_is_watched(name: str) -> None:
    service = _SERVICES[name]
    others = {} if name != "read-model" else {"database": {"condition": "service_healthy"}}
    assert service["depends_on"] == {"topics": {"condition": "service_completed_successfully"}} | others
    port = service["environment"]["IMPACT_METRICS_PORT"]
    assert f"http://127.0.0.1:{port}/healthz" in service["healthcheck"]["test"][-1]


def test_the_image_is_built_once_by_what_the_others_wait_for() -> None:
    assert [name for name in _SERVICES if "build" in _SERVICES[name]] == ["topics"]
    for name in _LONG_RUNNING:
        assert _SERVICES[name]["image"] == _SERVICES["topics"]["image"]
        assert "topics" in _SERVICES[name]["depends_on"]


@pytest.mark.parametrize("name", _OURS)
def test_the_image_is_looked_for_in_no_registry(name: str) -> None:
    """It has no registry in its name, so that a public one would be asked; also for the service that builds it."""
    assert _SERVICES[name]["pull_policy"] == "never"


@pytest.mark.parametrize("name", _OURS)
def test_each_service_of_ours_may_do_no_more_than_it_needs(name: str) -> None:
    service = _SERVICES[name]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    # What keeps files on disk has a volume for them; nothing else writes but to /tmp.
    assert service["tmpfs"] == ["/tmp"]
    assert service.get("volumes", []) == ([f"{name}-data:/data"] if name in ("fold", "execute") else [])


def test_the_broker_is_asked_cheaply_has_time_to_recover_and_to_stop() -> None:
    """Every few seconds for as long as it runs, so no Java; after a kill it reads its logs for minutes, and `up` may not give up on it."""
    broker = _SERVICES["broker"]
    assert ".sh" not in " ".join(broker["healthcheck"]["test"])
    listener = re.search(r"INSIDE://:(\d+)", broker["environment"]["KAFKA_LISTENERS"])
    assert listener is not None
    assert broker["healthcheck"]["test"][-1].endswith(f"/dev/tcp/127.0.0.1/{listener[1]}")
    assert _seconds(broker["healthcheck"]["start_period"]) >= 120
    assert _seconds(broker["stop_grace_period"]) >= 30


def _seconds(value: str) -> int:
    return int(value.removesuffix("s"))


def test_whatever_runs_on_is_started_again_and_hears_signals_from_its_start() -> None:
    for name in ("broker", "database", *_LONG_RUNNING):
        assert _SERVICES[name]["restart"] == "unless-stopped", name
    for name in _OURS:
        assert _SERVICES[name]["init"] is True, name


def test_the_database_is_ready_only_when_it_answers_over_the_network() -> None:
    test = _SERVICES["database"]["healthcheck"]["test"]
    assert test[test.index("--host") + 1] == "127.0.0.1"


def test_the_broker_comes_up_alone_without_any_secret() -> None:
    """A variable that has to be set stops every command of compose, also those that do not need it."""
    assert ":?" not in (_ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("fold", ("FORGET_AFTER_DAYS", "LOG_LEVEL", "SESSION_TIMEOUT")),
        ("redeliver", ("LOG_LEVEL", "SESSION_TIMEOUT")),
        ("read-model", ("FORGET_AFTER_DAYS", "LOG_LEVEL")),
        ("execute", ("FORGET_AFTER_DAYS", "LOG_LEVEL", "CALL_TIMEOUT", "SESSION_TIMEOUT")),
        ("execute", ("MICROSOFT_CLIENT_CERTIFICATE", "MICROSOFT_FEDERATED")),
        ("portal", ("LOG_LEVEL", "CALL_TIMEOUT", "MICROSOFT_CLIENT_CERTIFICATE", "MICROSOFT_FEDERATED")),
    ],
)
def test_a_service_is_given_what_its_command_heeds(service: str, names: tuple[str, ...]) -> None:
    for name in names:
        assert f"${{IMPACT_{name}" in _SERVICES[service]["environment"][f"IMPACT_{name}"]


def test_every_mounted_volume_is_declared() -> None:
    mounted = {mount.partition(":")[0] for service in _SERVICES.values() for mount in service.get("volumes", [])}
    assert mounted == set(_COMPOSE["volumes"])


def test_the_hooks_run_tools_of_the_lock() -> None:
    hooks = yaml.safe_load((_ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lock = (_ROOT / "requirements-dev.lock").read_text()
    packages = {"ruff": "ruff", "mypy": "mypy", "lint-imports": "import-linter"}
    for hook in hooks:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"\n{packages[tool]}==" in lock


@pytest.mark.parametrize("target", ["install", "demo", "test", "lint", "bench", "storm", "soak"])
def test_each_fixed_make_target_exists_and_sets_itself_up(target: str) -> None:
    rule = re.search(rf"^{target}: (.*?) ##", (_ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule is not None
    assert rule[1] in ("install", "$(STAMP)")
