"""Settings that are well formed and cannot be used are told in one line, with exit 2, before a broker is asked for anything."""

import base64
import os
from pathlib import Path

import pytest

from streams.bootstrap import fold_app
from streams.engine.app import EngineApp
from streams.settings import Settings
from tests.support.processes import run_command

_KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMPACT_")}
    return inherited | {
        "IMPACT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "IMPACT_DATA_DIR": str(tmp_path / "data"),
        "IMPACT_VAULT_KEYS": f"test:{_KEY}",
        "IMPACT_GOOGLE_CLIENT_ID": "id",
        "IMPACT_GOOGLE_CLIENT_SECRET": "secret",
    }


@pytest.mark.parametrize("command", ["fold", "execute"])
def test_a_data_directory_that_cannot_be_written_is_named_with_exit_2(env: dict[str, str], tmp_path: Path, command: str) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run_command(command, env=env | {"IMPACT_DATA_DIR": str(file)})
    assert done.returncode == 2
    assert done.stderr == (
        f"impact-calendar: IMPACT_DATA_DIR is {str(file)!r}: Not a directory. It expects a directory that can be written. "
        "Example: IMPACT_DATA_DIR=/var/lib/impact-calendar\n"
    )


@pytest.mark.parametrize("command", ["fold", "execute", "status"])
def test_a_sasl_mechanism_that_does_not_exist_is_named_with_exit_2(env: dict[str, str], command: str) -> None:
    done = run_command(command, env=env | {"IMPACT_KAFKA_SASL_MECHANISM": "NOPE"})
    assert done.returncode == 2
    assert done.stderr == (
        "impact-calendar: IMPACT_KAFKA_SASL_MECHANISM is 'NOPE'. It expects one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. "
        "Example: IMPACT_KAFKA_SASL_MECHANISM=SCRAM-SHA-512\n"
    )


def test_a_worker_signs_in_to_the_brokers_only_where_sasl_is_asked_for(env: dict[str, str]) -> None:
    sasl = {
        "IMPACT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
        "IMPACT_KAFKA_SASL_USERNAME": "impact",
        "IMPACT_KAFKA_SASL_PASSWORD": "hush",
        "IMPACT_TABLE_STORE": "memory",
    }
    with_sasl = _fold(env | sasl | {"IMPACT_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"})
    assert (with_sasl.conf.broker_credentials.mechanism.value, with_sasl.conf.broker_credentials.username) == ("SCRAM-SHA-256", "impact")
    assert _fold(env | sasl).conf.broker_credentials is None


def _fold(env: dict[str, str]) -> EngineApp:
    app = fold_app(Settings.from_env(env))
    app.slot.lock.close()
    return app
