"""Settings that are well formed and cannot be used are told in one line, with exit 2, before a broker is asked for anything."""

from pathlib import Path

import pytest

from streams.bootstrap import fold_app
from streams.engine.app import EngineApp
from streams.settings import Settings
from tests.support.processes import run_command


@pytest.mark.parametrize("command", ["fold", "execute"])
def test_a_data_directory_that_cannot_be_written_is_named_with_exit_2(unreachable: dict[str, str], tmp_path: Path, command: str) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run_command(command, env=unreachable | {"IMPACT_DATA_DIR": str(file)})
    assert done.returncode == 2
    assert done.stderr == (
        f"impact-calendar: IMPACT_DATA_DIR is {str(file)!r}: Not a directory. It expects a directory that can be written. "
        "Example: IMPACT_DATA_DIR=/var/lib/impact-calendar\n"
    )


@pytest.mark.parametrize("command", ["fold", "execute", "status"])
def test_a_sasl_mechanism_that_does_not_exist_is_named_with_exit_2(unreachable: dict[str, str], command: str) -> None:
    done = run_command(command, env=unreachable | {"IMPACT_KAFKA_SASL_MECHANISM": "NOPE"})
    assert done.returncode == 2
    assert done.stderr == (
        "impact-calendar: IMPACT_KAFKA_SASL_MECHANISM is 'NOPE'. It expects one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512. "
        "Example: IMPACT_KAFKA_SASL_MECHANISM=SCRAM-SHA-512\n"
    )


def test_a_worker_signs_in_to_the_brokers_only_where_sasl_is_asked_for(unreachable: dict[str, str]) -> None:
    sasl = {
        "IMPACT_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
        "IMPACT_KAFKA_SASL_USERNAME": "impact",
        "IMPACT_KAFKA_SASL_PASSWORD": "hush",
        "IMPACT_TABLE_STORE": "memory",
    }
    with_sasl = _fold(unreachable | sasl | {"IMPACT_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"})
    assert (with_sasl.conf.broker_credentials.mechanism.value, with_sasl.conf.broker_credentials.username) == ("SCRAM-SHA-256", "impact")
    assert _fold(unreachable | sasl).conf.broker_credentials is None


def _fold(unreachable: dict[str, str]) -> EngineApp:
    app = fold_app(Settings.from_env(unreachable))
    app.slot.lock.close()
    return app
