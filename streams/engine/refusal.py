"""Why brokers that are there let no client in.

aiokafka tells every reason as "Unable to bootstrap", and one that it meets later not at all: it tries again, for ever. Here each broker is
asked once more, in the open, and what comes of it is put to the setting that it is about.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from socket import gaierror
from typing import Any, Literal

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import IllegalSaslStateError, KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from streams.engine.not_ready import BrokersRefuseError, BrokersUnreachableError
from streams.settings import SettingError

__all__ = ["Refusal", "why_refused"]

Refusal = SettingError | BrokersRefuseError | BrokersUnreachableError

#: For one answer of a broker.
_ANSWER_MS = 5_000
#: OpenSSL's numbers: the certificate is for another host name, for another address.
_ANOTHER_NAME = (62, 64)
#: Not yet, no longer valid.
_ANOTHER_DAY = (9, 10)


async def why_refused(client: Mapping[str, Any], *, within: float = 20.0) -> Refusal | None:
    """What keeps us out of all brokers of `client` (kafka_clients.connection_options), as the first that tells anything says.

    None when one lets us in, and when none tells in time. BrokersUnreachableError may go away by waiting, the others do not.
    `within`: seconds.
    """
    first: Refusal | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            for host, port, _ in collect_hosts(list(client["bootstrap_servers"])):
                answer = await _ask(host, port, client)
                if answer == "let in":
                    return None
                first = first or answer
    return first


async def _ask(host: str, port: int, client: Mapping[str, Any]) -> Refusal | Literal["let in"] | None:
    place = f"{host}:{port}"
    try:
        async with _connected(host, port, client) as connection:
            try:
                metadata = await connection.send(MetadataRequest([]))
            except KafkaError:
                return await _without_sign_in(host, port, client)
    except (OSError, KafkaError) as error:
        return _of_sign_in(place, error, client) or _of_certificate(place, error) or await _of_protocol(host, port, error, client)
    return await _of_advertised(place, [(broker[1], broker[2]) for broker in metadata.brokers], client)


def _of_sign_in(place: str, error: Exception, client: Mapping[str, Any]) -> Refusal | None:
    user, mechanism = client.get("sasl_plain_username"), client.get("sasl_mechanism")
    match error:
        case SaslAuthenticationFailed():
            problem = f"or IMPACT_KAFKA_SASL_USERNAME is wrong: the broker at {place} does not let {user!r} in by {mechanism}"
            return SettingError("IMPACT_KAFKA_SASL_PASSWORD", "the password of that user, as the brokers have it", "...", problem)
        case UnsupportedSaslMechanismError():
            problem = f"is {mechanism}, which the broker at {place} does not take"
            return SettingError("IMPACT_KAFKA_SASL_MECHANISM", "a mechanism that the brokers have enabled", "SCRAM-SHA-512", problem)
        case IllegalSaslStateError():
            spoken = client["security_protocol"]
            return _other_protocol(spoken, place, "takes no sign-in", spoken.removeprefix("SASL_"))
    return None


def _other_protocol(spoken: str, place: str, differs: str, example: str) -> SettingError:
    problem = f"is {spoken}, and the broker at {place} {differs}"
    return SettingError("IMPACT_KAFKA_SECURITY_PROTOCOL", "the protocol of the brokers' listener", example, problem)


def _of_certificate(place: str, error: Exception) -> Refusal | None:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    said = error.verify_message.rstrip(".")
    if error.verify_code in _ANOTHER_NAME:
        problem = f"holds {place}, and the certificate of the broker there is for another name ({said})"
        return SettingError("IMPACT_KAFKA_BOOTSTRAP_SERVERS", "the names in the brokers' certificates", "kafka-1.example.com:9093", problem)
    if error.verify_code in _ANOTHER_DAY:
        return BrokersRefuseError(f"the certificate of the broker at {place}, or of its authority, cannot be used today: {said}")
    problem = f"names no authority that vouches for the broker at {place} ({said})"
    expects = "a file of PEM certificates, with the authority that signed the brokers' in it"
    return SettingError("IMPACT_KAFKA_SSL_CAFILE", expects, "/etc/ssl/kafka-ca.pem", problem)


async def _of_protocol(host: str, port: int, error: Exception, client: Mapping[str, Any]) -> Refusal | None:
    """Something listens there. It may speak TLS where we do not, or the other way round."""
    if isinstance(error, ConnectionRefusedError | TimeoutError | gaierror):
        return None
    spoken, place = client["security_protocol"], f"{host}:{port}"
    if spoken.endswith("SSL"):
        if await _speaks_plainly(host, port):
            return _other_protocol(spoken, place, "speaks without TLS", "SASL_PLAINTEXT")
    elif await _speaks_tls(host, port):
        return _other_protocol(spoken, place, "speaks TLS only", "SASL_SSL")
    return None


async def _without_sign_in(host: str, port: int, client: Mapping[str, Any]) -> Refusal | None:
    """A broker that wants a sign-in hangs up on whoever asks for anything else. It answers the first step of one only if it does."""
    spoken = client["security_protocol"]
    if spoken.startswith("SASL"):
        return None
    with contextlib.suppress(OSError, KafkaError):
        async with _connected(host, port, client) as connection:
            answer = await connection.send(SaslHandShakeRequest("SCRAM-SHA-512"))
            if answer.error_code != IllegalSaslStateError.errno:
                return _other_protocol(spoken, f"{host}:{port}", "wants a sign-in", f"SASL_{spoken}")
    return None


async def _of_advertised(place: str, advertised: list[tuple[str, int]], client: Mapping[str, Any]) -> Refusal | Literal["let in"] | None:
    """The first answer names the brokers to talk to. When none of them can be talked to, the first reason."""
    first: Refusal | None = None
    for host, port in advertised:
        try:
            async with _connected(host, port, client):
                return "let in"
        except (OSError, KafkaError) as error:
            sent = f"the broker at {place} sends its clients to {host}:{port}"
            mend = "Mend the brokers' advertised.listeners"
            if isinstance(error, ssl.SSLCertVerificationError):
                said = error.verify_message.rstrip(".")
                first = first or BrokersRefuseError(f"{sent}, whose certificate is not for it ({said}). {mend} or their certificates")
            else:
                first = first or BrokersUnreachableError(f"{sent}, where nobody can be reached: {error}. {mend}")
    return first


@asynccontextmanager
async def _connected(host: str, port: int, client: Mapping[str, Any]) -> AsyncIterator[AIOKafkaConnection]:
    """Signed in, when the settings say so."""
    security = {name: value for name, value in client.items() if name.startswith(("security_", "ssl_", "sasl_"))}
    connection = await create_conn(host, port, request_timeout_ms=_ANSWER_MS, **security)
    try:
        yield connection
    finally:
        connection.close()


async def _speaks_plainly(host: str, port: int) -> bool:
    try:
        async with _connected(host, port, {}):
            return True
    except (OSError, KafkaError):
        return False


async def _speaks_tls(host: str, port: int) -> bool:
    """Nothing is sent but the greeting, so it does not matter who answers."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_ANSWER_MS / 1000):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except OSError:
        return False
    writer.close()
    return True
