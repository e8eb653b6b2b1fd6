"""Settings become the keyword arguments that aiokafka takes."""

import ssl
from pathlib import Path

import pytest

from streams.engine.kafka_clients import connection_options, consumer_options, producer_options
from streams.settings import KafkaSettings, SettingError


def test_plaintext_needs_the_address_alone() -> None:
    options = connection_options(KafkaSettings(bootstrap_servers=("a:1", "b:2")))
    assert options == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}


def test_sasl_over_tls_gives_the_mechanism_the_name_and_a_context_that_checks_host_names() -> None:
    kafka = KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", sasl_username="impact", sasl_password="p")
    options = connection_options(kafka)
    assert (options["sasl_mechanism"], options["sasl_plain_username"], options["sasl_plain_password"]) == ("SCRAM-SHA-512", "impact", "p")
    assert options["ssl_context"].check_hostname
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED


def test_a_ca_file_that_cannot_be_read_is_a_setting_error(tmp_path: Path) -> None:
    kafka = KafkaSettings(security_protocol="SSL", ssl_cafile=str(tmp_path / "missing.pem"))
    with pytest.raises(SettingError, match=r"IMPACT_KAFKA_SSL_CAFILE .*missing\.pem"):
        connection_options(kafka)


def test_sends_are_confirmed_by_all_replicas_and_not_repeated() -> None:
    options = producer_options(KafkaSettings())
    assert (options["acks"], options["enable_idempotence"]) == ("all", True)


def test_consumers_never_commit_by_themselves() -> None:
    options = consumer_options(KafkaSettings(), group="g")
    assert (options["group_id"], options["enable_auto_commit"], options["auto_offset_reset"]) == ("g", False, "earliest")
