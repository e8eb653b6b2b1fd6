"""The files that the broker reads: server.properties and log4j2.xml, written anew at each start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SINGLE_NODE", "Extra", "Listener", "write_log_config", "write_server_properties"]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One more way in. `protocol`: Kafka's word, SASL_SSL for one; `advertised`: host:port that clients are sent to."""

    name: str
    protocol: str
    port: int
    advertised: str


@dataclass(frozen=True, kw_only=True)
class Extra:
    """What a broker from the jars has beside its plain listener. `format`: options of Kafka's format tool, which makes the first users."""

    listeners: Sequence[Listener] = ()
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    format: Sequence[str] = field(default=(), repr=False)


#: One node, so every internal topic has one copy. Few partitions of the internal topics and no rebalance delay: a quick start.
SINGLE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "log.index.size.max.bytes": str(1024 * 1024),
    # A topic that nobody applied is a mistake to be seen, not to be made up with one partition.
    "auto.create.topics.enable": "false",
}

#: Everything goes to the file; the console hears of the server's start and stop, and of what went wrong.
_LOG4J = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders>
    <File name="file" fileName="{log_file}" append="true"><PatternLayout pattern="%d %p %c: %m%n"/></File>
    <Console name="console" target="SYSTEM_ERR"><PatternLayout pattern="%p %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="kafka.server.KafkaRaftServer" level="INFO"><AppenderRef ref="console"/></Logger>
    <Root level="INFO"><AppenderRef ref="file"/><AppenderRef ref="console" level="ERROR"/></Root>
  </Loggers>
</Configuration>
"""


def write_server_properties(path: Path, *, port: int, controller_port: int, log_dir: Path, extra: Extra = Extra()) -> None:
    """Every listener stands on the loopback address only."""
    here = {"PLAINTEXT": f"127.0.0.1:{port}"}
    bound = here | {"CONTROLLER": f"127.0.0.1:{controller_port}"} | {more.name: f"127.0.0.1:{more.port}" for more in extra.listeners}
    advertised = here | {more.name: more.advertised for more in extra.listeners}
    protocols = [SINGLE_NODE["listener.security.protocol.map"], *(f"{more.name}:{more.protocol}" for more in extra.listeners)]
    settings = SINGLE_NODE | {
        "listeners": ",".join(f"{name}://{address}" for name, address in bound.items()),
        "advertised.listeners": ",".join(f"{name}://{address}" for name, address in advertised.items()),
        "listener.security.protocol.map": ",".join(protocols),
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(log_dir),
        **extra.settings,
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def write_log_config(path: Path, *, log_file: Path) -> None:
    path.write_text(_LOG4J.format(log_file=log_file))
