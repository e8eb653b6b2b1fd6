"""What the brokers' access lists permit, asked before the work begins: later each refusal would be met alone, by whoever comes upon it."""

from collections.abc import Iterable
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IncompatibleBrokerVersion,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from schemas.access import Access
from streams.engine.not_ready import PermissionsMissingError

__all__ = ["check_access", "not_permitted"]

#: Kafka's numbers (AclOperation); an answer has a bit for each.
_READ, _WRITE, _DESCRIBE = 3, 4, 8
_NAMES = {_READ: "Read", _WRITE: "Write", _DESCRIBE: "Describe"}
#: Brokers that do not tell.
_UNTOLD = -(2**31)
#: The group has no coordinator yet that could tell.
_NOT_YET = (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError, GroupLoadInProgressError)


class _Permitted_v8(Response):  # type: ignore[misc] # noqa: N801 - as aiokafka names versions
    """Metadata as aiokafka has it, three versions on: with what is permitted on each topic."""

    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8")))),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _PermittedRequest_v8(RequestStruct):  # type: ignore[misc] # noqa: N801
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _Permitted_v8
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _PermittedRequest(Request[_PermittedRequest_v8]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_PermittedRequest_v8]) -> _PermittedRequest_v8:
        return request_struct_class(self._topics, False, False, True)


def not_permitted(missing: Iterable[str]) -> PermissionsMissingError:
    """`missing`: an operation and what it is on, each."""
    return PermissionsMissingError(
        f"the brokers do not permit {', '.join(missing)} to this process's user (IMPACT_KAFKA_SASL_USERNAME). "
        "Grant it in their access lists"
    )


async def check_access(admin: AIOKafkaAdminClient, access: Access) -> None:
    """Raises PermissionsMissingError with all that is not permitted. What the brokers do not tell counts as permitted."""
    missing = await _on_topics(admin, access)
    if access.group is not None:
        missing += await _on_group(admin, access.group, _READ)
    for group in access.watches:
        missing += await _on_group(admin, group, _DESCRIBE)
    if missing:
        raise not_permitted(missing)


async def _on_topics(admin: AIOKafkaAdminClient, access: Access) -> list[str]:
    wanted = [(topic, _READ) for topic in access.reads] + [(topic, _WRITE) for topic in access.writes]
    try:
        answer = await admin._send_request(_PermittedRequest(sorted({topic for topic, _ in wanted})))
    except (IncompatibleBrokerVersion, NotImplementedError):
        return []
    permitted = {topic[1]: _operations(topic[0], topic[4]) for topic in answer.topics}
    return [f"{_NAMES[operation]} on topic {topic}" for topic, operation in wanted if not permitted[topic] >> operation & 1]


def _operations(error_code: int, told: int) -> int:
    """One who may not even see a topic may do nothing there."""
    if error_code == TopicAuthorizationFailedError.errno:
        return 0
    return -1 if told == _UNTOLD else told


async def _on_group(admin: AIOKafkaAdminClient, group: str, operation: int) -> list[str]:
    missing = [f"{_NAMES[operation]} on group {group}"]
    try:
        (answer,) = await admin.describe_consumer_groups([group], include_authorized_operations=True)
    except GroupAuthorizationFailedError:
        return missing
    except (*_NOT_YET, IncompatibleBrokerVersion):
        return []
    described: dict[str, Any] = answer.to_object()["groups"][0]
    told = described.get("authorized_operations", _UNTOLD)
    return [] if described["error_code"] or told == _UNTOLD or told >> operation & 1 else missing
