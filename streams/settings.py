"""Settings: read once from the environment, prefix `IMPACT_`. The README's table is checked against this file by a test.

A setting that is missing or malformed raises SettingError, which says which one, what it expects and an example; commands exit 2.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from schemas.topics import Topics
from streams.database_address import database_address

__all__ = ["KafkaSettings", "OAuthSettings", "SettingError", "Settings", "parse_duration"]


class SettingError(ValueError):
    """A setting is missing or malformed."""

    def __init__(self, name: str, expects: str, example: str, problem: str = "is missing") -> None:
        self.name = name
        super().__init__(f"{name} {problem}. It expects {expects}. Example: {name}={example}")


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    bootstrap_servers: tuple[str, ...] = ("localhost:9092",)
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None


@dataclass(frozen=True, kw_only=True)
class OAuthSettings:
    """One calendar service's application registration."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    kafka: KafkaSettings = KafkaSettings()
    google_api_url: str = "https://www.googleapis.com"
    google_authorize_url: str = "https://accounts.google.com/o/oauth2/v2/auth"
    google_token_url: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    google_revoke_url: str = "https://oauth2.googleapis.com/revoke"
    google: OAuthSettings | None = None
    graph_url: str = "https://graph.microsoft.com/v1.0"
    microsoft_authority: str = "https://login.microsoftonline.com/common"
    microsoft: OAuthSettings | None = None
    #: Key id -> 32 bytes; the first seals, all open.
    vault_keys: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    data_dir: Path = Path("data")
    table_store: str = "rocksdb"
    retry_tiers: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (30, 300, 1800, 10800))
    metrics_port: int = 0
    forget_after_days: int = 30
    topic_prefix: str = ""
    topic_replicas: int = 1
    topic_partitions: int = 12
    call_timeout: timedelta = timedelta(seconds=10)
    session_timeout: timedelta = timedelta(seconds=30)
    #: As SQLAlchemy takes it: `sqlite+aiosqlite:///...` or `postgresql+asyncpg://...`. It may hold a password.
    database_url: str = field(default="sqlite+aiosqlite:///data/read-model.sqlite3", repr=False)
    log_level: str = "info"
    #: auto: console for a terminal, JSON elsewhere.
    log_format: str = "auto"

    @property
    def topics(self) -> Topics:
        return Topics(tiers=self.retry_tiers, prefix=self.topic_prefix, partitions=self.topic_partitions)

    def require_google(self) -> OAuthSettings:
        if self.google is None:
            raise SettingError("IMPACT_GOOGLE_CLIENT_ID", "the OAuth2 client id", "1234.apps.googleusercontent.com")
        return self.google

    def require_microsoft(self) -> OAuthSettings:
        if self.microsoft is None:
            raise SettingError("IMPACT_MICROSOFT_CLIENT_ID", "the application id", "e0ff52c9-ee74-4fff-b7be-4fcd46d168f7")
        return self.microsoft

    def require_vault_keys(self) -> tuple[tuple[str, bytes], ...]:
        if not self.vault_keys:
            raise SettingError("IMPACT_VAULT_KEYS", "id:base64 of 32 bytes, comma-separated; the first seals", _KEY_EXAMPLE)
        return self.vault_keys

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Raises SettingError. An empty value counts as absent."""
        reader = _Reader({name: value for name, value in env.items() if value != ""})
        default = cls()
        data_dir = Path(reader.text("IMPACT_DATA_DIR", str(default.data_dir)))
        return cls(
            kafka=reader.kafka(),
            google_api_url=reader.url("IMPACT_GOOGLE_API_URL", default.google_api_url),
            google_authorize_url=reader.url("IMPACT_GOOGLE_AUTHORIZE_URL", default.google_authorize_url),
            google_token_url=reader.url("IMPACT_GOOGLE_TOKEN_URL", default.google_token_url),
            google_revoke_url=reader.url("IMPACT_GOOGLE_REVOKE_URL", default.google_revoke_url),
            google=reader.oauth("IMPACT_GOOGLE"),
            graph_url=reader.url("IMPACT_GRAPH_URL", default.graph_url),
            microsoft_authority=reader.url("IMPACT_MICROSOFT_AUTHORITY", default.microsoft_authority),
            microsoft=reader.oauth("IMPACT_MICROSOFT"),
            vault_keys=reader.vault_keys(),
            data_dir=data_dir,
            table_store=reader.choice("IMPACT_TABLE_STORE", default.table_store, ("rocksdb", "memory")),
            retry_tiers=reader.tiers(default.retry_tiers),
            metrics_port=reader.integer("IMPACT_METRICS_PORT", default.metrics_port, 0, 65535),
            forget_after_days=reader.integer("IMPACT_FORGET_AFTER_DAYS", default.forget_after_days, 1, 36500),
            topic_prefix=reader.topic_prefix(default.topic_prefix),
            topic_replicas=reader.integer("IMPACT_TOPIC_REPLICAS", default.topic_replicas, 1, 32),
            topic_partitions=reader.integer("IMPACT_TOPIC_PARTITIONS", default.topic_partitions, 1, 10_000),
            call_timeout=reader.duration("IMPACT_CALL_TIMEOUT", default.call_timeout),
            session_timeout=reader.duration("IMPACT_SESSION_TIMEOUT", default.session_timeout),
            database_url=reader.database_url(data_dir),
            log_level=reader.choice("IMPACT_LOG_LEVEL", default.log_level, ("debug", "info", "warning", "error")),
            log_format=reader.choice("IMPACT_LOG_FORMAT", default.log_format, ("auto", "json", "console")),
        )


_KEY_EXAMPLE = "2026-11:" + base64.b64encode(bytes(32)).decode()
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> timedelta:
    """`30s`, `5m`, `3h`, `1d`. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split_url(value: str) -> SplitResult | None:
    """None for what cannot be an address, a port out of range included."""
    try:
        parts = urlsplit(value)
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:
        return None


@dataclass(frozen=True)
class _Reader:
    env: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.env.get(name, default)

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise SettingError(name, "one of " + ", ".join(choices), default, f"is {value!r}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise SettingError(name, f"a whole number from {low} to {high}", str(default), f"is {value!r}")
        return int(value)

    def duration(self, name: str, default: timedelta) -> timedelta:
        if name not in self.env:
            return default
        try:
            return parse_duration(self.env[name])
        except ValueError:
            raise SettingError(name, "a number and a unit (s, m, h, d)", "10s", f"is {self.env[name]!r}") from None

    def tiers(self, default: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        name = "IMPACT_RETRY_TIERS"
        if name not in self.env:
            return default
        expects, example = "durations, comma-separated, each longer than the one before", "30s,5m,30m,3h"
        try:
            tiers = tuple(parse_duration(part) for part in self.env[name].split(","))
        except ValueError as error:
            raise SettingError(name, expects, example, f"holds {str(error)!r}") from None
        if list(tiers) != sorted(set(tiers)):
            raise SettingError(name, expects, example, f"is {self.env[name]!r}")
        return tiers

    def url(self, name: str, default: str) -> str:
        value = self.text(name, default).rstrip("/")
        parts = _split_url(value)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise SettingError(name, "an absolute https address", default, f"is {value!r}")
        if "@" in parts.netloc:
            raise SettingError(name, "an address without a user name or password", default, "carries one")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            problem = f"is {value!r}: plain http is accepted for loopback addresses only"
            raise SettingError(name, "an https address", default, problem)
        return value

    def database_url(self, data_dir: Path) -> str:
        name = "IMPACT_DATABASE_URL"
        if name not in self.env:
            return f"sqlite+aiosqlite:///{data_dir / 'read-model.sqlite3'}"
        try:
            return database_address(self.env[name])
        except ValueError as error:
            expects = "the address of a SQLite file or a PostgreSQL database"
            raise SettingError(name, expects, "postgresql://impact@db.example.com/impact", str(error)) from None

    def topic_prefix(self, default: str) -> str:
        name = "IMPACT_TOPIC_PREFIX"
        value = self.text(name, default)
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,150}", value):
            raise SettingError(name, "at most 150 letters, digits, '.', '_' and '-'", "staging.", f"is {value!r}")
        return value

    def oauth(self, prefix: str) -> OAuthSettings | None:
        client_id, secret = self.env.get(f"{prefix}_CLIENT_ID"), self.env.get(f"{prefix}_CLIENT_SECRET")
        if client_id is None and secret is None:
            return None
        if client_id is None:
            raise SettingError(f"{prefix}_CLIENT_ID", "the OAuth2 client id that goes with the secret", "my-client-id")
        if secret is None:
            raise SettingError(f"{prefix}_CLIENT_SECRET", "the OAuth2 client secret that goes with the id", "...")
        return OAuthSettings(client_id=client_id, client_secret=secret)

    def vault_keys(self) -> tuple[tuple[str, bytes], ...]:
        name = "IMPACT_VAULT_KEYS"
        expects = "id:base64 of 32 bytes, comma-separated; the first seals, all open"
        keys: dict[str, bytes] = {}
        for number, part in enumerate(filter(None, self.env.get(name, "").split(",")), start=1):
            key_id, _, encoded = part.strip().partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key_id) or len(key) != 32 or key_id in keys:
                raise SettingError(name, expects, _KEY_EXAMPLE, f"has a malformed or repeated key (number {number})")
            keys[key_id] = key
        return tuple(keys.items())

    def kafka(self) -> KafkaSettings:
        default = KafkaSettings()
        protocols = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
        protocol = self.choice("IMPACT_KAFKA_SECURITY_PROTOCOL", default.security_protocol, protocols)
        mechanism = self.env.get("IMPACT_KAFKA_SASL_MECHANISM")
        if protocol.startswith("SASL"):
            mechanism = self.choice("IMPACT_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
            for name in ("IMPACT_KAFKA_SASL_USERNAME", "IMPACT_KAFKA_SASL_PASSWORD"):
                if name not in self.env:
                    raise SettingError(name, f"a value, since IMPACT_KAFKA_SECURITY_PROTOCOL is {protocol}", "impact")
        return KafkaSettings(
            bootstrap_servers=self._servers(default.bootstrap_servers),
            security_protocol=protocol,
            sasl_mechanism=mechanism,
            sasl_username=self.env.get("IMPACT_KAFKA_SASL_USERNAME"),
            sasl_password=self.env.get("IMPACT_KAFKA_SASL_PASSWORD"),
            ssl_cafile=self.env.get("IMPACT_KAFKA_SSL_CAFILE"),
        )

    def _servers(self, default: tuple[str, ...]) -> tuple[str, ...]:
        name = "IMPACT_KAFKA_BOOTSTRAP_SERVERS"
        servers = tuple(part.strip() for part in self.text(name, ",".join(default)).split(","))
        for server in servers:
            match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", server)
            if match is None or not 0 < int(match[2]) < 65536:
                raise SettingError(name, "host:port, comma-separated", "kafka-1:9092,kafka-2:9092", f"holds {server!r}")
        return servers
