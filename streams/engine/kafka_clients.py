"""From the settings to the keyword arguments of aiokafka's clients: addresses, security, and the guarantees that this product relies on."""

import ssl
from typing import Any

from aiokafka.helpers import create_ssl_context

from schemas.topics import MAX_OUT_BYTES
from streams.engine.broken_writes import sort_broken_writes
from streams.engine.quick_closes import close_quickly
from streams.settings import KafkaSettings, SettingError

__all__ = ["admin_options", "connection_options", "consumer_options", "producer_options"]

# Whoever makes a client comes by here, also where Faust makes it.
sort_broken_writes()
close_quickly()


def connection_options(kafka: KafkaSettings) -> dict[str, Any]:
    """What every client needs to reach the brokers. Raises SettingError when the CA file cannot be read."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(kafka.bootstrap_servers),
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = kafka.sasl_password
    return options


def producer_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Confirmed by all in-sync replicas; a retry inside the client neither repeats nor reorders."""
    return connection_options(kafka) | {
        "acks": "all",
        "enable_idempotence": True,
        "max_request_size": MAX_OUT_BYTES,
    }


def consumer_options(kafka: KafkaSettings, *, group: str | None) -> dict[str, Any]:
    """Offsets are committed by the caller only; without a committed one it starts at the oldest record.

    Records of aborted transactions are not delivered. `group` None: no group, partitions are assigned by the caller.
    """
    return connection_options(kafka) | {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
    }


def admin_options(kafka: KafkaSettings) -> dict[str, Any]:
    return connection_options(kafka) | {"request_timeout_ms": 15_000}


def _ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    """Host names are checked; the system's certificates are trusted when no file is given."""
    try:
        context: ssl.SSLContext = create_ssl_context(cafile=kafka.ssl_cafile)
    except (OSError, ssl.SSLError) as error:
        problem = f"is {kafka.ssl_cafile!r}, which cannot be read: {error}"
        raise SettingError("IMPACT_KAFKA_SSL_CAFILE", "a file of PEM certificates", "/etc/ssl/kafka-ca.pem", problem) from None
    return context
