"""Every topic, declared once: key, partitions, cleanup, retention, owner, what it is for.

`impact-calendar topics apply` makes them, `topics check` compares them. Key and partition count tie them together: everything keyed
by provider_id has the same number of partitions, or the tables of `execute` could not be co-partitioned with their input.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

__all__ = [
    "DEFAULT_PARTITIONS", "DEFAULT_TIERS", "MAX_IN_BYTES", "MAX_OUT_BYTES", "Topic", "Topics", "tier_name",
]  # fmt: skip

DEFAULT_PARTITIONS = 12
DEFAULT_TIERS = tuple(timedelta(seconds=seconds) for seconds in (30, 300, 1800, 10800))
HOUR = 3600 * 1000
DAY = 24 * HOUR
#: The largest record batch taken in, Kafka's own default, declared because a retry or a dead letter
#: (the same and some headers more) has to fit too.
MAX_IN_BYTES = 1_048_588
MAX_OUT_BYTES = 2 * MAX_IN_BYTES


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic. `retention_ms` -1 means for ever; `cleanup` is Kafka's cleanup.policy."""

    name: str
    key: str
    owner: str
    description: str
    cleanup: str = "delete"
    retention_ms: int = 7 * DAY
    partitions: int = DEFAULT_PARTITIONS
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings as Kafka names them."""
        settings = {"cleanup.policy": self.cleanup, **self.extra}
        if "delete" in self.cleanup:
            settings["retention.ms"] = str(self.retention_ms)
        return settings


def tier_name(delay: timedelta) -> str:
    """`30s`, `5m`, `3h`: the largest unit that divides the delay."""
    seconds = int(delay.total_seconds())
    if seconds % 3600 == 0:
        return f"{seconds // 3600}h"
    if seconds % 60 == 0:
        return f"{seconds // 60}m"
    return f"{seconds}s"


@dataclass(frozen=True)
class Topics:
    """The names of all topics, for a prefix (tests share one broker) and the retry tiers in force."""

    tiers: Sequence[timedelta]
    prefix: str = ""
    partitions: int = DEFAULT_PARTITIONS

    @property
    def class_events(self) -> str:
        return f"{self.prefix}booking.class-events.v1"

    @property
    def class_events_dlq(self) -> str:
        return f"{self.class_events}-dlq"

    @property
    def connections(self) -> str:
        return f"{self.prefix}calendar.connections.v1"

    @property
    def connection_status(self) -> str:
        return f"{self.prefix}calendar.connection-status.v1"

    @property
    def intents(self) -> str:
        return f"{self.prefix}calendar.intents.v1"

    @property
    def intents_bulk(self) -> str:
        return f"{self.intents}-bulk"

    @property
    def intents_dlq(self) -> str:
        return f"{self.intents}-dlq"

    @property
    def outcomes(self) -> str:
        return f"{self.prefix}calendar.outcomes.v1"

    def retry(self, delay: timedelta) -> str:
        return f"{self.intents}-retry-{tier_name(delay)}"

    @property
    def fold_app(self) -> str:
        """Faust app id and consumer group of the fold worker."""
        return f"{self.prefix}impact-fold"

    @property
    def execute_app(self) -> str:
        """Faust app id and consumer group of the execute worker."""
        return f"{self.prefix}impact-execute"

    @property
    def redeliver_group(self) -> str:
        return f"{self.prefix}impact-redeliver"

    @property
    def classes_changelog(self) -> str:
        return f"{self.fold_app}-classes-changelog"

    @property
    def agenda_changelog(self) -> str:
        return f"{self.execute_app}-agenda-changelog"

    @property
    def connections_changelog(self) -> str:
        return f"{self.execute_app}-connections-changelog"

    def all(self) -> tuple[Topic, ...]:
        """Every topic, in the order in which data flows."""
        return tuple(self._declare())

    def _declare(self) -> Iterable[Topic]:
        n = self.partitions
        taken_in, with_reasons = ({"max.message.bytes": str(limit)} for limit in (MAX_IN_BYTES, MAX_OUT_BYTES))
        forgetful = {"segment.ms": str(DAY), "min.cleanable.dirty.ratio": "0.1", "delete.retention.ms": str(7 * DAY)}
        yield Topic(
            name=self.class_events, key="class_id", owner="booking", partitions=n, retention_ms=-1, extra=taken_in,
            description="Domain events of classes and rosters, CloudEvents 1.0; the source of truth.",
        )  # fmt: skip
        yield Topic(
            name=self.class_events_dlq, key="as the source", owner="fold", partitions=n, retention_ms=28 * DAY, extra=with_reasons,
            description="Domain events that break the contract: the original bytes and headers, plus the reason.",
        )  # fmt: skip
        yield Topic(
            name=self.connections, key="provider_id", owner="portal", partitions=n, cleanup="compact", extra=forgetful,
            description="connection.granted / connection.revoked, tokens sealed; compacted, so that tokens are forgotten.",
        )  # fmt: skip
        yield Topic(
            name=self.intents, key="provider_id", owner="fold", partitions=n, retention_ms=7 * DAY, extra=taken_in,
            description="Intents of the live lane.",
        )  # fmt: skip
        yield Topic(
            name=self.intents_bulk, key="provider_id", owner="execute", partitions=n, retention_ms=7 * DAY, extra=taken_in,
            description="Intents of the bulk lane: backfill, replay, redrive.",
        )  # fmt: skip
        for delay in self.tiers:
            yield Topic(
                name=self.retry(delay), key="provider_id", owner="execute", partitions=n,
                retention_ms=max(7 * DAY, 8 * int(delay.total_seconds() * 1000)), extra=with_reasons,
                description=f"Intents that wait {tier_name(delay)} before the next try.",
            )  # fmt: skip
        yield Topic(
            name=self.intents_dlq, key="provider_id", owner="execute", partitions=n, retention_ms=28 * DAY, extra=with_reasons,
            description="Intents given up: the original bytes and headers, plus the reason.",
        )  # fmt: skip
        yield Topic(
            name=self.outcomes, key="provider_id", owner="execute", partitions=n, retention_ms=28 * DAY,
            description="What became of every intent: the audit log.",
        )  # fmt: skip
        yield Topic(
            name=self.connection_status, key="provider_id", owner="execute", partitions=n, cleanup="compact",
            description="What the portal shows of a connection; no token ever.",
        )  # fmt: skip
        yield Topic(
            name=self.classes_changelog, key="class_id", owner="fold", partitions=n, cleanup="compact",
            description="Changelog of the table of folded classes (internal).",
        )  # fmt: skip
        yield Topic(
            name=self.agenda_changelog, key="provider_id/class_id", owner="execute", partitions=n, cleanup="compact",
            description="Changelog of the agenda (internal; partitioned by provider_id).",
        )  # fmt: skip
        yield Topic(
            name=self.connections_changelog, key="provider_id", owner="execute", partitions=n, cleanup="compact", extra=forgetful,
            description="Changelog of the connections with their sealed tokens (internal).",
        )  # fmt: skip
