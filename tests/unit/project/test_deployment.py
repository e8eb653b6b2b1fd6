"""docker-compose.yml, the image and the hooks name things that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from infra.kafka.container import IMAGE
from streams.cli.main import app
from streams.settings import Settings

_ROOT = Path(__file__).parents[3]
_COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_SERVICES: dict[str, Any] = _COMPOSE["services"]
_OURS = sorted(name for name, service in _SERVICES.items() if "build" in service)


def test_compose_has_the_broker_its_topics_and_the_three_workers() -> None:
    assert sorted(_SERVICES) == ["broker", "execute", "fold", "redeliver", "topics"]
    assert _SERVICES["broker"]["image"] == IMAGE == "apache/kafka:" + _kafka_version()


def _kafka_version() -> str:
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)<", (_ROOT / "infra/kafka/pom.xml").read_text())
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", _OURS)
def test_each_service_runs_a_command_that_exists(name: str) -> None:
    command: Any = get_command(app)
    for word in _SERVICES[name]["command"]:
        command = command.commands[word]


@pytest.mark.parametrize("name", _OURS)
def test_each_service_gets_settings_that_are_accepted(name: str) -> None:
    environment = {key: _default(value) for key, value in _SERVICES[name]["environment"].items()}
    settings = Settings.from_env(environment)
    assert settings.kafka.bootstrap_servers == ("broker:29092",)


def _default(value: str) -> str:
    """What compose puts in when the variable is not set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


@pytest.mark.parametrize("name", ["fold", "execute", "redeliver"])
def test_each_worker_waits_for_the_topics_and_is_watched(name: str) -> None:
    service = _SERVICES[name]
    assert service["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    port = service["environment"]["IMPACT_METRICS_PORT"]
    assert f"http://127.0.0.1:{port}/healthz" in service["healthcheck"]["test"][-1]


def test_every_mounted_volume_is_declared() -> None:
    mounted = {mount.partition(":")[0] for service in _SERVICES.values() for mount in service.get("volumes", [])}
    assert mounted == set(_COMPOSE["volumes"])


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    build = _SERVICES["fold"]["build"]
    dockerfile = _ROOT / build["context"] / build["dockerfile"]
    ignore = (_ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        source
        for line in dockerfile.read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert copied
    for source in copied:
        assert (_ROOT / source).exists(), source
        assert f"!{source}" in ignore, source


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
