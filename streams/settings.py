"""Settings: read once from the environment, prefix `IMPACT_`. The README's table is checked against this file by a test.

A setting that is missing or malformed raises SettingError, which says which one, what it expects and an example; commands exit 2.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from schemas.topics import DEFAULT_PARTITIONS, DEFAULT_TIERS, Topics
from streams.database_address import database_address
from streams.portal_settings import PortalSettings, read_portal
from streams.settings_reader import Asked, Reader, SettingError, key_of, parse_duration

__all__ = ["KafkaSettings", "OAuthSettings", "PortalSettings", "SettingError", "Settings", "parse_duration"]

#: What brokers take when nothing else is configured there (group.min.session.timeout.ms, group.max.session.timeout.ms).
SESSION_BOUNDS = ("6s", "30m")
#: A session is at least half as long again as a call.
LONGEST_CALL = "20m"


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
    """One calendar service's application registration, and one way to prove to be it.

    `client_secret` is empty where there is a `certificate` (PEM file with its key) or a `federated` identity, both at Microsoft only.
    """

    client_id: str
    client_secret: str = field(repr=False)
    certificate: Path | None = None
    federated: str | None = None


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
    portal: PortalSettings = field(default_factory=PortalSettings)
    #: Key id -> 32 bytes; the first seals, all open.
    vault_keys: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    data_dir: Path = Path("data")
    table_store: str = "rocksdb"
    retry_tiers: tuple[timedelta, ...] = DEFAULT_TIERS
    metrics_port: int = 0
    forget_after_days: int = 30
    topic_prefix: str = ""
    topic_replicas: int = 1
    topic_partitions: int = DEFAULT_PARTITIONS
    call_timeout: timedelta = timedelta(seconds=10)
    session_timeout: timedelta = timedelta(seconds=30)
    #: As SQLAlchemy takes it: `sqlite+aiosqlite:///...` or `postgresql+asyncpg://...`. It may hold a password.
    database_url: str = field(default="sqlite+aiosqlite:///data/read-model.sqlite3", repr=False)
    log_level: str = "info"
    #: auto: console for a terminal, JSON elsewhere.
    log_format: str = "auto"
    #: Names that look like settings and are none: misspelt, or of another release.
    warnings: tuple[str, ...] = ()

    @property
    def topics(self) -> Topics:
        return Topics(tiers=self.retry_tiers, prefix=self.topic_prefix, partitions=self.topic_partitions)

    def require_vault_keys(self) -> tuple[tuple[str, bytes], ...]:
        if not self.vault_keys:
            raise SettingError("IMPACT_VAULT_KEYS", "id:base64 of 32 bytes, comma-separated; the first seals", _KEY_EXAMPLE)
        return self.vault_keys

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Raises SettingError. An empty value counts as absent."""
        asked = Asked(env)
        reader, default = _Reader(asked), cls()
        data_dir = Path(reader.text("IMPACT_DATA_DIR", str(default.data_dir)))
        return cls(
            kafka=reader.kafka(),
            google_api_url=reader.origin("IMPACT_GOOGLE_API_URL", default.google_api_url, "the API's bare host, without a path"),
            google_authorize_url=reader.url("IMPACT_GOOGLE_AUTHORIZE_URL", default.google_authorize_url),
            google_token_url=reader.url("IMPACT_GOOGLE_TOKEN_URL", default.google_token_url),
            google_revoke_url=reader.url("IMPACT_GOOGLE_REVOKE_URL", default.google_revoke_url),
            google=reader.google(),
            graph_url=reader.url("IMPACT_GRAPH_URL", default.graph_url),
            microsoft_authority=reader.url("IMPACT_MICROSOFT_AUTHORITY", default.microsoft_authority),
            microsoft=reader.microsoft(),
            portal=read_portal(reader),
            vault_keys=reader.vault_keys(),
            data_dir=data_dir,
            table_store=reader.choice("IMPACT_TABLE_STORE", default.table_store, ("rocksdb", "memory")),
            retry_tiers=reader.tiers(default.retry_tiers),
            metrics_port=reader.integer("IMPACT_METRICS_PORT", default.metrics_port, 0, 65535),
            forget_after_days=reader.integer("IMPACT_FORGET_AFTER_DAYS", default.forget_after_days, 1, 36500),
            topic_prefix=reader.topic_prefix(default.topic_prefix),
            topic_replicas=reader.integer("IMPACT_TOPIC_REPLICAS", default.topic_replicas, 1, 32),
            topic_partitions=reader.integer("IMPACT_TOPIC_PARTITIONS", default.topic_partitions, 1, 10_000),
            call_timeout=reader.duration("IMPACT_CALL_TIMEOUT", default.call_timeout, "1s", LONGEST_CALL),
            session_timeout=reader.duration("IMPACT_SESSION_TIMEOUT", default.session_timeout, *SESSION_BOUNDS),
            database_url=reader.database_url(data_dir),
            log_level=reader.choice("IMPACT_LOG_LEVEL", default.log_level, ("debug", "info", "warning", "error")),
            log_format=reader.choice("IMPACT_LOG_FORMAT", default.log_format, ("auto", "json", "console")),
            warnings=asked.warnings(),
        )


_KEY_EXAMPLE = "2026-11:" + base64.b64encode(bytes(32)).decode()


class _Reader(Reader):
    def database_url(self, data_dir: Path) -> str:
        name = "IMPACT_DATABASE_URL"
        if name not in self.env:
            return f"sqlite+aiosqlite:///{data_dir / 'read-model.sqlite3'}"
        try:
            return database_address(self.env[name])
        except ValueError as error:
            expects = "the address of a SQLite file or a PostgreSQL database"
            raise SettingError(name, expects, "postgresql://impact@db.example.com/impact", str(error)) from None

    def google(self) -> OAuthSettings | None:
        return self._oauth("IMPACT_GOOGLE", None, None)

    def microsoft(self) -> OAuthSettings | None:
        federated = None
        if "IMPACT_MICROSOFT_FEDERATED" in self.env:
            federated = self.choice("IMPACT_MICROSOFT_FEDERATED", "managed-identity", ("managed-identity", "workload-identity"))
        certificate = self.env.get("IMPACT_MICROSOFT_CLIENT_CERTIFICATE")
        if certificate is not None and not Path(certificate).is_file():
            raise SettingError(
                "IMPACT_MICROSOFT_CLIENT_CERTIFICATE",
                "the path of a PEM file with certificate and key",
                "/etc/impact/app.pem",
                "is no file",
            )
        return self._oauth("IMPACT_MICROSOFT", Path(certificate) if certificate else None, federated)

    def _oauth(self, prefix: str, certificate: Path | None, federated: str | None) -> OAuthSettings | None:
        client_id, secret = self.env.get(f"{prefix}_CLIENT_ID"), self.env.get(f"{prefix}_CLIENT_SECRET")
        proofs = [proof for proof in (secret, certificate, federated) if proof is not None]
        if client_id is None and not proofs:
            return None
        if client_id is None:
            raise SettingError(f"{prefix}_CLIENT_ID", "the OAuth2 client id that goes with the secret", "my-client-id")
        if not proofs:
            raise SettingError(f"{prefix}_CLIENT_SECRET", "the OAuth2 client secret that goes with the id", "...")
        if len(proofs) > 1:
            expects = f"only one of {prefix}_CLIENT_SECRET, {prefix}_CLIENT_CERTIFICATE and {prefix}_FEDERATED"
            name, example = ("FEDERATED", federated) if federated else ("CLIENT_CERTIFICATE", str(certificate))
            raise SettingError(f"{prefix}_{name}", expects, example, "is one of several")
        return OAuthSettings(client_id=client_id, client_secret=secret or "", certificate=certificate, federated=federated)

    def vault_keys(self) -> tuple[tuple[str, bytes], ...]:
        name = "IMPACT_VAULT_KEYS"
        expects = "id:base64 of 32 bytes, comma-separated; the first seals, all open"
        keys: dict[str, bytes] = {}
        for number, part in enumerate(filter(None, self.env.get(name, "").split(",")), start=1):
            key_id, _, encoded = part.strip().partition(":")
            key = key_of(encoded)
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key_id) or key is None or key_id in keys:
                raise SettingError(name, expects, _KEY_EXAMPLE, f"has a malformed or repeated key (number {number})")
            keys[key_id] = key
        return tuple(keys.items())

    def kafka(self) -> KafkaSettings:
        default = KafkaSettings()
        protocols = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
        protocol = self.choice("IMPACT_KAFKA_SECURITY_PROTOCOL", default.security_protocol, protocols)
        mechanism = self.choice("IMPACT_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"))
        if protocol.startswith("SASL"):
            for name in ("IMPACT_KAFKA_SASL_USERNAME", "IMPACT_KAFKA_SASL_PASSWORD"):
                if name not in self.env:
                    raise SettingError(name, f"a value, since IMPACT_KAFKA_SECURITY_PROTOCOL is {protocol}", "impact")
        return KafkaSettings(
            bootstrap_servers=self._servers(default.bootstrap_servers),
            security_protocol=protocol,
            sasl_mechanism=mechanism if protocol.startswith("SASL") else None,
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
