"""Settings: each one good, missing and malformed; a complaint says which, what is expected and an example; no secret shows."""

import base64
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bootstrap import execute_app
from streams.calendar_services import real_adapters
from streams.settings import KafkaSettings, OAuthSettings, SettingError, Settings, parse_duration

KEY = base64.b64encode(bytes(range(32))).decode()
HOST = {"IMPACT_GOOGLE_API_URL": ("google_api_url", "https://www.googleapis.com")}
URLS = {
    "IMPACT_GOOGLE_AUTHORIZE_URL": ("google_authorize_url", "https://accounts.google.com/o/oauth2/v2/auth"),
    "IMPACT_GOOGLE_TOKEN_URL": ("google_token_url", "https://oauth2.googleapis.com/token"),
    "IMPACT_GOOGLE_REVOKE_URL": ("google_revoke_url", "https://oauth2.googleapis.com/revoke"),
    "IMPACT_GRAPH_URL": ("graph_url", "https://graph.microsoft.com/v1.0"),
    "IMPACT_MICROSOFT_AUTHORITY": ("microsoft_authority", "https://login.microsoftonline.com/common"),
}
DEFAULT_TIERS = tuple(timedelta(seconds=seconds) for seconds in (30, 300, 1800, 10800))


def read(**env: str) -> Settings:
    return Settings.from_env(env)


def complaint(**env: str) -> str:
    with pytest.raises(SettingError) as caught:
        Settings.from_env(env)
    assert_complete(caught.value)
    return str(caught.value)


def assert_complete(error: SettingError) -> None:
    """`NAME problem. It expects ... Example: NAME=...`"""
    assert re.fullmatch(rf"(?s){error.name} \S.*\. It expects \S.*\. Example: {error.name}=\S.*", str(error))


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected", "default"),
    [
        ("IMPACT_DATA_DIR", "/var/lib/impact", "data_dir", Path("/var/lib/impact"), Path("data")),
        ("IMPACT_TABLE_STORE", "memory", "table_store", "memory", "rocksdb"),
        ("IMPACT_RETRY_TIERS", "1s, 3s", "retry_tiers", (timedelta(seconds=1), timedelta(seconds=3)), DEFAULT_TIERS),
        ("IMPACT_METRICS_PORT", "9100", "metrics_port", 9100, 0),
        ("IMPACT_FORGET_AFTER_DAYS", "7", "forget_after_days", 7, 30),
        ("IMPACT_TOPIC_PREFIX", "staging.", "topic_prefix", "staging.", ""),
        ("IMPACT_TOPIC_REPLICAS", "3", "topic_replicas", 3, 1),
        ("IMPACT_TOPIC_PARTITIONS", "24", "topic_partitions", 24, 12),
        ("IMPACT_CALL_TIMEOUT", "5s", "call_timeout", timedelta(seconds=5), timedelta(seconds=10)),
        ("IMPACT_SESSION_TIMEOUT", "1m", "session_timeout", timedelta(minutes=1), timedelta(seconds=30)),
        ("IMPACT_LOG_LEVEL", "debug", "log_level", "debug", "info"),
        ("IMPACT_LOG_FORMAT", "json", "log_format", "json", "auto"),
        (
            "IMPACT_DATABASE_URL",
            "postgresql://impact:s%40fe@db.example:5433/impact?sslmode=require",
            "database_url",
            "postgresql+asyncpg://impact:s%40fe@db.example:5433/impact?ssl=require",
            "sqlite+aiosqlite:///data/read-model.sqlite3",
        ),
        (
            "IMPACT_DATABASE_URL",
            "sqlite:////var/rm.db",
            "database_url",
            "sqlite+aiosqlite:////var/rm.db",
            "sqlite+aiosqlite:///data/read-model.sqlite3",
        ),
        *((name, "https://proxy.example/base/", attribute, "https://proxy.example/base", url) for name, (attribute, url) in URLS.items()),
        *((name, "https://proxy.example/", attribute, "https://proxy.example", url) for name, (attribute, url) in HOST.items()),
    ],
)
def test_a_setting_is_read_and_has_a_default(name: str, value: str, attribute: str, expected: Any, default: Any) -> None:
    assert getattr(read(**{name: value}), attribute) == expected
    assert getattr(read(), attribute) == default
    assert getattr(read(**{name: ""}), attribute) == default, "an empty value counts as absent"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("IMPACT_TABLE_STORE", "sqlite", "one of rocksdb, memory"),
        ("IMPACT_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("IMPACT_LOG_FORMAT", "xml", "one of auto, json, console"),
        *(
            ("IMPACT_RETRY_TIERS", value, "durations, comma-separated, each longer than the one before")
            for value in ("30", "30s,", "5m,30s", "30s,30s", "0s", "-1s", "1.5s", "1w", "30s;5m", "1s,99999999999999d")
        ),
        *(("IMPACT_METRICS_PORT", value, "a whole number from 0 to 65535") for value in ("-1", "65536", "http", "8e3", "1 000", "٣")),
        ("IMPACT_FORGET_AFTER_DAYS", "0", "a whole number from 1"),
        ("IMPACT_TOPIC_REPLICAS", "0", "a whole number from 1"),
        ("IMPACT_TOPIC_PARTITIONS", "many", "a whole number from 1"),
        ("IMPACT_TOPIC_PREFIX", "a b/", "letters, digits"),
        *(("IMPACT_CALL_TIMEOUT", value, "a number and a unit") for value in ("10", "s", "99999999999999d")),
        *(("IMPACT_CALL_TIMEOUT", value, "from 1s to 20m") for value in ("21m", "1d")),
        ("IMPACT_SESSION_TIMEOUT", "half an hour", "a number and a unit"),
        *(("IMPACT_SESSION_TIMEOUT", value, "from 6s to 30m") for value in ("5s", "31m", "5h")),
        *(("IMPACT_GOOGLE_API_URL", f"https://h{path}", "the API's bare host") for path in ("/calendar/v3", "/x/", "//x")),
        *((name, "http://x.example", "an https address") for name in ("IMPACT_OIDC_ISSUER", "IMPACT_OIDC_ACCOUNT_URL")),
    ],
)
def test_a_malformed_setting_is_named_with_its_value_what_is_expected_and_an_example(name: str, value: str, says: str) -> None:
    message = complaint(**{name: value})
    assert message.startswith(name)
    assert says in message


@pytest.mark.parametrize("name", URLS | HOST)
@pytest.mark.parametrize(
    "value",
    [
        "graph",
        "ftp://h/x",
        "https://",
        "//host/path",
        "https://h/x?y=1",
        "https://h/#top",
        "http://[::1",
        "https://h:99999",
        "https://h:no",
    ],
)
def test_what_is_not_an_address_is_refused(name: str, value: str) -> None:
    assert "an absolute https address" in complaint(**{name: value})


@pytest.mark.parametrize("name", URLS | HOST)
def test_plain_http_is_for_loopback_addresses_only(name: str) -> None:
    path = "" if name in HOST else "/x"
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.9.9.9"):
        assert getattr(read(**{name: f"http://{host}{path}"}), (URLS | HOST)[name][0]) == f"http://{host}{path}"
    for host in ("example.com", "localhost.example.com", "10.0.0.1", "0.0.0.0", "[2001:db8::1]"):
        assert "plain http is accepted for loopback addresses only" in complaint(**{name: f"http://{host}/x"})


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    assert "hunter2" not in complaint(IMPACT_GRAPH_URL="https://sam:hunter2@graph.example")


@pytest.mark.parametrize(("prefix", "attribute"), [("IMPACT_GOOGLE", "google"), ("IMPACT_MICROSOFT", "microsoft")])
def test_a_client_registration_has_an_id_and_a_secret_or_neither(prefix: str, attribute: str) -> None:
    both = read(**{f"{prefix}_CLIENT_ID": "id", f"{prefix}_CLIENT_SECRET": "hush"})
    assert getattr(both, attribute) == OAuthSettings(client_id="id", client_secret="hush")
    assert complaint(**{f"{prefix}_CLIENT_ID": "id"}).startswith(f"{prefix}_CLIENT_SECRET is missing")
    without_id = complaint(**{f"{prefix}_CLIENT_SECRET": "hush"})
    assert without_id.startswith(f"{prefix}_CLIENT_ID is missing")
    assert "hush" not in without_id
    assert getattr(read(), attribute) is None


def test_an_execute_worker_without_any_calendar_service_names_both() -> None:
    with pytest.raises(SettingError, match="IMPACT_GOOGLE_CLIENT_ID and IMPACT_MICROSOFT_CLIENT_ID are both missing") as caught:
        real_adapters(read())
    assert_complete(caught.value)


@pytest.mark.parametrize(("call", "session"), [("25s", "38s"), ("21s", "32s"), ("20m", "1800s")])
def test_a_session_that_is_too_short_for_a_call_is_told_one_that_is_not(call: str, session: str) -> None:
    env = {"IMPACT_CALL_TIMEOUT": call, "IMPACT_VAULT_KEYS": f"k:{KEY}"}
    with pytest.raises(SettingError, match=r"is 30s\. It expects at least 1\.5 times IMPACT_CALL_TIMEOUT") as caught:
        execute_app(read(**env))
    assert_complete(caught.value)
    example = str(caught.value).partition("Example: IMPACT_SESSION_TIMEOUT=")[2]
    assert example == session
    with pytest.raises(SettingError, match="IMPACT_GOOGLE_CLIENT_ID"):  # what comes next
        execute_app(read(**env, IMPACT_SESSION_TIMEOUT=example))


def test_vault_keys_are_read_in_their_order() -> None:
    settings = read(IMPACT_VAULT_KEYS=f"2026-01:{KEY}, 2025-01:{base64.b64encode(bytes(32)).decode()}")
    assert settings.require_vault_keys() == (("2026-01", bytes(range(32))), ("2025-01", bytes(32)))


@pytest.mark.parametrize(
    "value",
    [KEY, f":{KEY}", "a:", "a:not base64!", f"a:{KEY[:-8]}", f"a.b:{KEY}", f"a:{KEY},a:{KEY}", "a:é", f"a:{KEY},b:{KEY}x"],
)
def test_malformed_vault_keys_are_told_by_their_number_and_never_shown(value: str) -> None:
    message = complaint(IMPACT_VAULT_KEYS=value)
    assert re.search(r"malformed or repeated key \(number [12]\)", message)
    assert KEY[:20] not in message


def test_missing_vault_keys_are_asked_for_with_an_example_that_works() -> None:
    with pytest.raises(SettingError, match="IMPACT_VAULT_KEYS is missing") as caught:
        read().require_vault_keys()
    assert_complete(caught.value)
    example = str(caught.value).partition("Example: IMPACT_VAULT_KEYS=")[2]
    assert read(IMPACT_VAULT_KEYS=example).require_vault_keys()


def test_kafka_is_plain_and_local_when_nothing_is_said() -> None:
    assert read().kafka == KafkaSettings(bootstrap_servers=("localhost:9092",), security_protocol="PLAINTEXT")


def test_kafka_with_sasl_over_tls() -> None:
    settings = read(
        IMPACT_KAFKA_BOOTSTRAP_SERVERS="kafka-1.example:9093, [::1]:9093",
        IMPACT_KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        IMPACT_KAFKA_SASL_MECHANISM="SCRAM-SHA-256",
        IMPACT_KAFKA_SASL_USERNAME="impact",
        IMPACT_KAFKA_SASL_PASSWORD="hush",
        IMPACT_KAFKA_SSL_CAFILE="/etc/ca.pem",
    )
    assert settings.kafka == KafkaSettings(
        bootstrap_servers=("kafka-1.example:9093", "[::1]:9093"),
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-256",
        sasl_username="impact",
        sasl_password="hush",
        ssl_cafile="/etc/ca.pem",
    )


@pytest.mark.parametrize("value", ["kafka", "kafka:", ":9092", "kafka:nine", "a:1,,b:2", "kafka://a:9092", "a:0", "a:65536", "a b:1"])
def test_bootstrap_servers_are_host_and_port(value: str) -> None:
    assert "host:port, comma-separated" in complaint(IMPACT_KAFKA_BOOTSTRAP_SERVERS=value)


def test_the_security_protocol_and_mechanism_are_known_ones() -> None:
    assert "one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL" in complaint(IMPACT_KAFKA_SECURITY_PROTOCOL="TLS")
    assert "one of PLAIN, SCRAM-SHA-256" in complaint(IMPACT_KAFKA_SECURITY_PROTOCOL="SASL_SSL", IMPACT_KAFKA_SASL_MECHANISM="OAUTHBEARER")


def test_a_sasl_mechanism_is_checked_whenever_it_is_set_and_used_with_sasl_alone() -> None:
    assert "one of PLAIN, SCRAM-SHA-256" in complaint(IMPACT_KAFKA_SASL_MECHANISM="NOPE")
    assert read(IMPACT_KAFKA_SASL_MECHANISM="PLAIN").kafka == KafkaSettings()


@pytest.mark.parametrize("missing", ["IMPACT_KAFKA_SASL_USERNAME", "IMPACT_KAFKA_SASL_PASSWORD"])
def test_sasl_needs_a_name_and_a_password(missing: str) -> None:
    env = {"IMPACT_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "IMPACT_KAFKA_SASL_USERNAME": "impact", "IMPACT_KAFKA_SASL_PASSWORD": "hush"}
    del env[missing]
    message = complaint(**env)
    assert message.startswith(f"{missing} is missing")
    assert "hush" not in message


def test_no_secret_shows_in_a_repr() -> None:
    settings = read(
        IMPACT_GOOGLE_CLIENT_ID="gid", IMPACT_GOOGLE_CLIENT_SECRET="hush-google",
        IMPACT_MICROSOFT_CLIENT_ID="mid", IMPACT_MICROSOFT_CLIENT_SECRET="hush-microsoft",
        IMPACT_VAULT_KEYS=f"k1:{KEY}",
        IMPACT_KAFKA_SECURITY_PROTOCOL="SASL_SSL", IMPACT_KAFKA_SASL_USERNAME="impact", IMPACT_KAFKA_SASL_PASSWORD="hush-kafka",
    )  # fmt: skip
    for text in (repr(settings), str(settings), repr(settings.kafka), repr(settings.google)):
        assert "hush" not in text
        assert KEY not in text
        assert repr(bytes(range(32)))[2:-1] not in text


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("5m", 300), ("3h", 10800), ("1d", 86400), (" 10s ", 10)])
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


def names() -> list[str]:
    """Every setting that the reader looks at."""
    source = Path(__file__).parents[2].joinpath("streams/settings.py").read_text(encoding="utf-8")
    found = set(re.findall(r'"(IMPACT_[A-Z_]+)"', source)) - {"IMPACT_GOOGLE", "IMPACT_MICROSOFT"}
    return sorted(found | {f"IMPACT_{service}_CLIENT_{part}" for service in ("GOOGLE", "MICROSOFT") for part in ("ID", "SECRET")})


@given(name=st.sampled_from(names()), value=st.text(max_size=40) | st.sampled_from(["http://[", "1" * 30 + "s", ":", ",", "a:b"]))
def test_any_text_is_either_taken_or_complained_about(name: str, value: str) -> None:
    try:
        read(**{name: value})
    except SettingError as error:
        problem = error
    else:
        return
    assert problem.name.startswith("IMPACT_")


def test_the_database_stands_in_the_data_directory_when_nothing_else_is_said() -> None:
    assert read(IMPACT_DATA_DIR="/var/lib/impact").database_url == "sqlite+aiosqlite:////var/lib/impact/read-model.sqlite3"


@pytest.mark.parametrize(
    "value",
    [
        "mysql://u:hunter2@db.example/x",
        "postgresql+psycopg://u:hunter2@db.example/x",
        "db.example:5432 password=hunter2",
        "postgresql://u:hunter2@db.example",
        "postgresql://u:hunter2@db.example:70000/x",
        "postgresql://u:hunter2@db.example:0/x",
        "postgresql://u:hunter2/x",
        "postgresql:///hunter2",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://relative/hunter2",
    ],
)
def test_a_database_that_cannot_be_used_is_refused_without_its_password(value: str) -> None:
    assert "hunter2" not in complaint(IMPACT_DATABASE_URL=value)


def test_the_password_of_the_database_is_not_in_the_settings_repr() -> None:
    assert "hunter2" not in repr(read(IMPACT_DATABASE_URL="postgresql://u:hunter2@db.example/x"))


PORTAL = {
    "IMPACT_PORTAL_URL": "https://calendar.example.com",
    "IMPACT_OIDC_ISSUER": "https://issuer.example/pool",
    "IMPACT_OIDC_CLIENT_ID": "portal",
    "IMPACT_OIDC_CLIENT_SECRET": "hush",
    "IMPACT_SESSION_KEY": KEY,
}


def test_the_portals_settings_are_read_and_have_defaults() -> None:
    portal = read(**PORTAL).portal.require()
    assert (portal.url, portal.oidc_issuer, portal.oidc_client_id) == (
        "https://calendar.example.com",
        "https://issuer.example/pool",
        "portal",
    )
    assert portal.session_keys == (bytes(range(32)),)
    assert (portal.provider_claim, portal.roles_claim) == ("sub", "cognito:groups")
    own = read(**PORTAL, IMPACT_OIDC_ADMINISTRATOR_ROLES=" Staff, Boss ,", IMPACT_OIDC_PROVIDER_CLAIM="custom:provider").portal
    assert own.administrator_roles == {"staff", "boss"}
    assert own.provider_claim == "custom:provider"


@pytest.mark.parametrize("missing", PORTAL)
def test_each_of_the_portals_settings_is_asked_for_only_by_the_portal(missing: str) -> None:
    settings = read(**{name: value for name, value in PORTAL.items() if name != missing})
    with pytest.raises(SettingError, match=f"{missing} is missing") as caught:
        settings.portal.require()
    assert_complete(caught.value)


def test_the_first_session_key_seals_and_all_open() -> None:
    other = base64.b64encode(bytes(32)).decode()
    assert read(IMPACT_SESSION_KEY=f"{KEY}, {other}").portal.session_keys == (bytes(range(32)), bytes(32))


@pytest.mark.parametrize("value", ["x", KEY[:-8], f"{KEY},x", "é"])
def test_a_malformed_session_key_is_never_shown(value: str) -> None:
    message = complaint(IMPACT_SESSION_KEY=value)
    assert message.startswith("IMPACT_SESSION_KEY is malformed")
    assert KEY[:20] not in message


def test_the_portals_address_has_no_path() -> None:
    assert complaint(IMPACT_PORTAL_URL="https://example.com/portal").startswith("IMPACT_PORTAL_URL is")
    assert read(IMPACT_PORTAL_URL="https://example.com/").portal.url == "https://example.com"


def test_microsoft_takes_a_certificate_or_a_federated_identity_in_place_of_the_secret(tmp_path: Path) -> None:
    pem = tmp_path / "app.pem"
    pem.write_text("x")
    by_certificate = read(IMPACT_MICROSOFT_CLIENT_ID="app", IMPACT_MICROSOFT_CLIENT_CERTIFICATE=str(pem)).microsoft
    assert by_certificate is not None
    assert (by_certificate.certificate, by_certificate.client_secret) == (pem, "")
    federated = read(IMPACT_MICROSOFT_CLIENT_ID="app", IMPACT_MICROSOFT_FEDERATED="workload-identity").microsoft
    assert federated is not None
    assert federated.federated == "workload-identity"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"IMPACT_MICROSOFT_FEDERATED": "magic"}, "one of managed-identity, workload-identity"),
        ({"IMPACT_MICROSOFT_CLIENT_CERTIFICATE": "/no/such.pem"}, "is no file"),
        ({"IMPACT_MICROSOFT_FEDERATED": "managed-identity", "IMPACT_MICROSOFT_CLIENT_SECRET": "hush"}, "only one of"),
        ({"IMPACT_MICROSOFT_FEDERATED": "managed-identity", "IMPACT_MICROSOFT_CLIENT_ID": ""}, "IMPACT_MICROSOFT_CLIENT_ID is missing"),
    ],
)
def test_a_proof_of_the_application_that_cannot_work_is_complained_about(env: dict[str, str], says: str) -> None:
    message = complaint(**({"IMPACT_MICROSOFT_CLIENT_ID": "app"} | env))
    assert says in message
    assert "hush" not in message


def test_no_secret_of_the_portal_shows_in_a_repr() -> None:
    text = repr(read(**PORTAL))
    assert "hush" not in text
    assert repr(bytes(range(32)))[2:-1] not in text


def test_a_name_that_is_no_setting_is_told_without_its_value_and_with_what_may_have_been_meant() -> None:
    env = {"IMPACT_RETRY_TEIRS": "1s", "IMPACT_X": "hush", "PATH": "/bin", "IMPACT_EMPTY": "", "IMPACT_LOG_LEVEL": "debug"}
    assert read(**env).warnings == (
        "IMPACT_RETRY_TEIRS is no setting, and is ignored; IMPACT_RETRY_TIERS may have been meant",
        "IMPACT_X is no setting, and is ignored",
    )


def test_every_setting_of_the_readme_is_a_setting() -> None:
    names = re.findall(r"`(IMPACT_[A-Z_]+)`", Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8"))
    spoilt = [name for name in set(names) if not _is_taken(name)]
    assert spoilt == []


def _is_taken(name: str) -> bool:
    """Whether it is read, be it to complain of the value."""
    try:
        return read(**{name: "?"}).warnings == ()
    except SettingError:
        return True
