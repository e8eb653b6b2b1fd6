"""Settings that the brokers refuse: every process ends, in one line that says which, where, and what is expected instead."""

import asyncio
from pathlib import Path

import pytest

from streams.engine.kafka_clients import connection_options
from streams.engine.not_ready import BrokersRefuseError
from streams.engine.refusal import why_refused
from streams.settings import SettingError, Settings
from tests.support.authorities import Authority
from tests.support.processes import run_command
from tests.support.secure_kafka import SecureKafka

pytestmark = pytest.mark.kafka

Env = dict[str, str]
COMMANDS = ("topics check", "fold", "execute", "redeliver", "read-model", "portal")
PROTOCOL = "IMPACT_KAFKA_SECURITY_PROTOCOL"
SERVERS = "IMPACT_KAFKA_BOOTSTRAP_SERVERS"
PORTAL = {
    "IMPACT_PORTAL_URL": "https://portal.example",
    "IMPACT_SESSION_KEY": "A" * 43 + "=",
    "IMPACT_OIDC_ISSUER": "https://issuer.example",
    "IMPACT_OIDC_CLIENT_ID": "id",
    "IMPACT_OIDC_CLIENT_SECRET": "secret",
}


async def ended(commands: tuple[str, ...], env: Env, directory: Path) -> dict[str, tuple[int, str]]:
    """Each command's exit code and the last line it wrote; no traceback is among the others."""

    async def end(command: str) -> tuple[int, str]:
        own = env | PORTAL | {"IMPACT_DATA_DIR": str(directory / command.split()[0])}
        done = await asyncio.to_thread(run_command, *command.split(), env=own)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stderr.splitlines()[-1]

    return dict(zip(commands, await asyncio.gather(*(end(command) for command in commands)), strict=True))


async def test_a_wrong_password_ends_every_process_and_names_setting_broker_and_user(
    cluster: SecureKafka, env: Env, tmp_path: Path
) -> None:
    line = (
        f"impact-calendar: IMPACT_KAFKA_SASL_PASSWORD or IMPACT_KAFKA_SASL_USERNAME is wrong: the broker at {cluster.address()} "
        "does not let 'impact' in by SCRAM-SHA-512. It expects the password of that user, as the brokers have it. "
        "Example: IMPACT_KAFKA_SASL_PASSWORD=..."
    )
    found = await ended(COMMANDS, env | {"IMPACT_KAFKA_SASL_PASSWORD": "wrong"}, tmp_path)
    assert found == dict.fromkeys(COMMANDS, (2, line))


async def test_a_broker_that_sends_its_clients_to_another_name_ends_every_process(cluster: SecureKafka, env: Env, tmp_path: Path) -> None:
    """The first answer comes, and aiokafka would try the address in it for ever."""
    address = cluster.address("ELSEWHERE")
    elsewhere = address.replace("localhost", "127.0.0.1")
    said = (
        f"the broker at {address} sends its clients to {elsewhere}, whose certificate is not for it (IP address mismatch, certificate "
        "is not valid for '127.0.0.1'). Mend the brokers' advertised.listeners or their certificates"
    )
    found = await ended(("topics check", "fold", "redeliver"), env | {SERVERS: address}, tmp_path)
    assert found == {
        "topics check": (1, f"impact-calendar: Kafka at {address}: {said}."),
        "fold": (1, f"impact-calendar: the worker stopped: BrokersRefuseError: {said}"),
        "redeliver": (1, f"impact-calendar: {said}"),
    }


async def refusal(env: Env) -> str:
    found = await why_refused(connection_options(Settings.from_env(env).kafka))
    assert isinstance(found, SettingError | BrokersRefuseError), found
    return str(found)


async def test_an_unknown_authority_and_another_host_name_are_told_apart(cluster: SecureKafka, env: Env, tmp_path: Path) -> None:
    place = cluster.address()
    unknown = await refusal(env | {"IMPACT_KAFKA_SSL_CAFILE": str(Authority(tmp_path / "other.pem", "Another").file)})
    assert unknown.startswith(f"IMPACT_KAFKA_SSL_CAFILE names no authority that vouches for the broker at {place} (")
    unset = await refusal({name: value for name, value in env.items() if name != "IMPACT_KAFKA_SSL_CAFILE"})
    assert unset.startswith(f"IMPACT_KAFKA_SSL_CAFILE names no authority that vouches for the broker at {place} (")
    address = place.replace("localhost", "127.0.0.1")
    assert await refusal(env | {SERVERS: address}) == (
        f"IMPACT_KAFKA_BOOTSTRAP_SERVERS holds {address}, and the certificate of the broker there is for another name (IP address "
        "mismatch, certificate is not valid for '127.0.0.1'). It expects the names in the brokers' certificates. "
        "Example: IMPACT_KAFKA_BOOTSTRAP_SERVERS=kafka-1.example.com:9093"
    )


@pytest.mark.parametrize(
    ("spoken", "listener", "differs", "example"),
    [
        ("PLAINTEXT", "SASL_SSL", "speaks TLS only", "SASL_SSL"),
        ("SASL_PLAINTEXT", "SASL_SSL", "speaks TLS only", "SASL_SSL"),
        ("SSL", "SASL_SSL", "wants a sign-in", "SASL_SSL"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "wants a sign-in", "SASL_PLAINTEXT"),
        ("SASL_SSL", "SSL", "takes no sign-in", "SSL"),
        ("SASL_SSL", "SASL_PLAINTEXT", "speaks without TLS", "SASL_PLAINTEXT"),
    ],
)
async def test_a_listener_of_another_protocol_is_told(
    cluster: SecureKafka, env: Env, spoken: str, listener: str, differs: str, example: str
) -> None:
    place = cluster.address(listener)
    assert await refusal(env | {SERVERS: place, PROTOCOL: spoken}) == (
        f"{PROTOCOL} is {spoken}, and the broker at {place} {differs}. It expects the protocol of the brokers' listener. "
        f"Example: {PROTOCOL}={example}"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({PROTOCOL: "PLAINTEXT"}, "IMPACT_KAFKA_SECURITY_PROTOCOL is PLAINTEXT, and the broker at "),
        ({"IMPACT_KAFKA_SSL_CAFILE": ""}, "IMPACT_KAFKA_SSL_CAFILE names no authority that vouches for the broker at "),
    ],
)
async def test_a_command_ends_with_what_the_broker_says(env: Env, tmp_path: Path, changes: Env, said: str) -> None:
    code, line = (await ended(("topics check",), env | changes, tmp_path))["topics check"]
    assert code == 2
    assert line.startswith(f"impact-calendar: {said}")


async def test_one_broker_that_refuses_is_no_trouble_where_another_lets_us_in(cluster: SecureKafka, env: Env) -> None:
    good, bad = cluster.address(), cluster.address().replace("localhost", "127.0.0.1")
    for servers in (f"{good},{bad}", f"{bad},{good}"):
        assert await why_refused(connection_options(Settings.from_env(env | {SERVERS: servers}).kafka)) is None


@pytest.mark.parametrize(
    ("protocol", "mechanism"),
    [("SASL_SSL", "PLAIN"), ("SASL_SSL", "SCRAM-SHA-256"), ("SASL_PLAINTEXT", "SCRAM-SHA-512"), ("SSL", "SCRAM-SHA-512")],
)
async def test_every_protocol_and_mechanism_of_the_settings_gets_an_answer(
    cluster: SecureKafka, env: Env, protocol: str, mechanism: str
) -> None:
    """SASL_SSL with SCRAM-SHA-512 is what made the topics."""
    own = env | cluster.env("impact", protocol=protocol, mechanism=mechanism)
    checked = await asyncio.to_thread(run_command, "topics", "check", env=own)
    assert (checked.returncode, checked.stdout) == (0, "13 topics are as declared.\n"), checked.stderr
