"""The files that the broker reads: server.properties and log4j2.xml, written anew at each start."""

from pathlib import Path

__all__ = ["SINGLE_NODE", "write_log_config", "write_server_properties"]

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


def write_server_properties(path: Path, *, port: int, controller_port: int, log_dir: Path) -> None:
    """Both listeners stand on the loopback address only."""
    settings = SINGLE_NODE | {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(log_dir),
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


def write_log_config(path: Path, *, log_file: Path) -> None:
    path.write_text(_LOG4J.format(log_file=log_file))
