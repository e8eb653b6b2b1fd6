"""A real broker as a cluster in production is: TLS by an authority of its own, users with passwords, and permissions.

Its plain listener is there for whoever runs it: nobody in particular (`User:ANONYMOUS`) may do everything there. Needs Java and Maven.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from infra.kafka.broker import LocalKafka
from infra.kafka.config import Extra, Listener
from infra.ports import free_ports
from tests.support.authorities import Authority

__all__ = ["Allow", "SecureKafka"]

_MECHANISMS = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
#: Kafka's numbers, of the protocol: for resources, patterns and operations.
_RESOURCES = {"topic": 2, "group": 3}
_LITERAL, _PREFIXED = 3, 4
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}
_ALLOW = 3
_MODULES = "org.apache.kafka.common.security"


class Allow(Protocol):
    """`resource`: topic or group; `prefixed`: all whose names begin so."""

    async def __call__(self, user: str, resource: str, name: str, *operations: str, prefixed: bool = False) -> None: ...


class SecureKafka:
    """`users`: name -> password, good by each mechanism."""

    def __init__(self, directory: Path, users: Mapping[str, str]) -> None:
        self.authority = Authority(directory / "ca.pem", "the brokers' authority")
        self.users = dict(users)
        self._ports = dict(zip(("SASL_SSL", "SSL", "SASL_PLAINTEXT", "ELSEWHERE"), free_ports(4), strict=True))
        keystore = self.authority.keystore(directory / "broker.pem", "localhost")
        self.broker = LocalKafka(data_dir=directory / "kafka", extra=self._extra(keystore))

    def address(self, listener: str = "SASL_SSL") -> str:
        return f"localhost:{self._ports[listener]}"

    def env(self, user: str, *, protocol: str = "SASL_SSL", mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        return {
            "IMPACT_KAFKA_BOOTSTRAP_SERVERS": self.address(protocol),
            "IMPACT_KAFKA_SECURITY_PROTOCOL": protocol,
            "IMPACT_KAFKA_SASL_MECHANISM": mechanism,
            "IMPACT_KAFKA_SASL_USERNAME": user,
            "IMPACT_KAFKA_SASL_PASSWORD": self.users[user],
            "IMPACT_KAFKA_SSL_CAFILE": str(self.authority.file),
        }

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[Allow]:
        """Grants as `kafka-acls --add --allow-principal User:NAME --operation ...` does."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.bootstrap_servers)

        async def allow(user: str, resource: str, name: str, *operations: str, prefixed: bool = False) -> None:
            pattern = _PREFIXED if prefixed else _LITERAL
            for operation in operations:
                request = CreateAclsRequest(_RESOURCES[resource], name, pattern, f"User:{user}", "*", _OPERATIONS[operation], _ALLOW)
                response = await admin._send_request(request)
                assert response.creation_responses[0][0] == 0, response

        await admin.start()
        try:
            yield allow
        finally:
            await admin.close()

    def _extra(self, keystore: Path) -> Extra:
        ports = self._ports
        listeners = [
            Listener(name=name, protocol=name, port=ports[name], advertised=self.address(name))
            for name in ("SASL_SSL", "SSL", "SASL_PLAINTEXT")
        ]
        # Its certificate is not for the address that it sends its clients to.
        listeners.append(
            Listener(name="ELSEWHERE", protocol="SASL_SSL", port=ports["ELSEWHERE"], advertised=f"127.0.0.1:{ports['ELSEWHERE']}")
        )
        settings = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(keystore),
            "sasl.enabled.mechanisms": _MECHANISMS,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "connection.failed.authentication.delay.ms": "0",
        }
        passwords = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        for name in ("sasl_ssl", "sasl_plaintext", "elsewhere"):
            settings[f"listener.name.{name}.plain.sasl.jaas.config"] = f"{_MODULES}.plain.PlainLoginModule required {passwords};"
            for mechanism in ("scram-sha-256", "scram-sha-512"):
                settings[f"listener.name.{name}.{mechanism}.sasl.jaas.config"] = f"{_MODULES}.scram.ScramLoginModule required;"
        users = [
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for name, password in self.users.items()
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        return Extra(listeners=listeners, settings=settings, format=users)
