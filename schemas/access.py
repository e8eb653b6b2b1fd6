"""Who reads and writes which topics, declared once: what the brokers' access lists have to permit to each process.

Beside that every worker describes all topics, which it compares with their declaration before it begins. `portal` writes
`calendar.connections.v1`, `publish` the topic of class events, `connections import` the former, and it reads the changelog of connections.
`topics apply` needs Create, Describe, DescribeConfigs and AlterConfigs on all topics.
"""

from dataclasses import dataclass

from schemas.topics import Topics

__all__ = ["Access", "access_of"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """`reads`, `writes`: topics. `group`: of which it is a member; `watches`: groups that it asks how far they are."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    group: str | None = None
    watches: tuple[str, ...] = ()


def access_of(command: str, topics: Topics) -> Access:
    """Of one command of `impact-calendar`, by its name. Raises KeyError for one that asks the brokers for nothing."""
    return _all(topics)[command]


def _all(topics: Topics) -> dict[str, Access]:
    retries = tuple(topics.retry(tier) for tier in topics.tiers)
    tables = (topics.agenda_changelog, topics.connections_changelog)
    lanes = (topics.intents, topics.intents_bulk)
    told = (topics.outcomes, topics.connection_status)
    return {
        "fold": Access(
            reads=(topics.class_events, topics.classes_changelog),
            writes=(topics.intents, topics.class_events_dlq, topics.classes_changelog),
            group=topics.fold_app,
        ),
        "execute": Access(
            reads=(*lanes, topics.connections, *tables),
            writes=(topics.intents_bulk, *retries, topics.intents_dlq, *told, *tables),
            group=topics.execute_app,
        ),
        "redeliver": Access(reads=retries, writes=(*lanes, topics.intents_dlq), group=topics.redeliver_group),
        "read-model": Access(reads=(topics.class_events, topics.intents, *told)),
        "status": Access(reads=(topics.connection_status,), watches=(topics.fold_app, topics.execute_app, topics.redeliver_group)),
    }
