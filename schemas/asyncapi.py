"""The AsyncAPI 3.0 document: every topic as a channel, every message with its schema and an example, who sends and who receives.

Beside the processes of this product stand the booking system and the operators, so that every channel has both ends.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.json_schema import JsonSchema
from schemas.topics import DEFAULT_TIERS, Topic, Topics

__all__ = ["asyncapi_document"]

Document = dict[str, Any]

_CLOUD_EVENTS: Final = "application/cloudevents+json"

#: What Kafka's AsyncAPI binding (0.5.0) takes of a topic's settings; the rest is told under an extension.
_BINDING_SETTINGS: Final = {"retention.ms": int, "max.message.bytes": int, "delete.retention.ms": int}


@dataclass(frozen=True, kw_only=True)
class _Flow:
    """Who writes a channel and who reads it; the messages on it by the name of their schema."""

    messages: tuple[str, ...]
    sends: tuple[str, ...]
    receives: tuple[str, ...]


def asyncapi_document(schemas: Mapping[str, JsonSchema], examples: Mapping[str, Mapping[str, Any]]) -> Document:
    """`examples`: name of a schema -> name of an example -> its payload."""
    topics = Topics(tiers=DEFAULT_TIERS[:1])  # the retry topics are one channel, whose address has the tier as a parameter
    flows = _flows(topics, tuple(name for name in schemas if name.startswith(("class.", "roster."))))
    channels = {_id(topic, topics): _channel(topic, topics, flows[topic.name]) for topic in topics.all()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Impact Feedback external calendar integration",
            "version": "1.0.0",
            "description": "Class events in, each provider's own calendar out. Made by `python -m schemas.generate`; do not edit.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": _operations(topics, flows),
        "components": {"messages": {_slug(name): _message(name, schema, examples[name]) for name, schema in schemas.items()}},
    }


def _flows(topics: Topics, events: tuple[str, ...]) -> dict[str, _Flow]:
    fold, execute, redelivery, portal, read_model = "fold", "execute", "redelivery", "portal", "read-model"
    booking, operators = "booking system", "operators"
    intent = ("intent",)
    return {
        topics.class_events: _Flow(messages=events, sends=(booking,), receives=(fold, read_model)),
        topics.class_events_dlq: _Flow(messages=(), sends=(fold,), receives=(operators,)),
        topics.connections: _Flow(messages=("connection.granted", "connection.revoked"), sends=(portal,), receives=(execute,)),
        topics.intents: _Flow(messages=intent, sends=(fold, redelivery), receives=(execute, read_model)),
        topics.intents_bulk: _Flow(messages=intent, sends=(execute, redelivery), receives=(execute,)),
        topics.retry(DEFAULT_TIERS[0]): _Flow(messages=intent, sends=(execute,), receives=(redelivery,)),
        topics.intents_dlq: _Flow(messages=intent, sends=(execute, redelivery), receives=(operators,)),
        topics.outcomes: _Flow(messages=("outcome",), sends=(execute,), receives=(read_model,)),
        topics.connection_status: _Flow(messages=("connection-status",), sends=(execute,), receives=(read_model,)),
        topics.classes_changelog: _Flow(messages=(), sends=(fold,), receives=(fold,)),
        topics.agenda_changelog: _Flow(messages=(), sends=(execute,), receives=(execute,)),
        topics.connections_changelog: _Flow(messages=(), sends=(execute,), receives=(execute,)),
    }


def _channel(topic: Topic, topics: Topics, flow: _Flow) -> Document:
    channel: Document = {"address": topic.name, "title": topic.name, "description": topic.description}
    if topic.name == topics.retry(DEFAULT_TIERS[0]):
        tiers = [topics.retry(delay).rpartition("-")[2] for delay in DEFAULT_TIERS]
        channel |= {
            "address": f"{topics.intents}-retry-{{tier}}",
            "title": "Retries",
            "description": "Intents that wait for the next try, one topic a tier.",
            "parameters": {"tier": {"description": "How long they wait: IMPACT_RETRY_TIERS.", "default": tiers[0], "examples": tiers}},
        }
    if flow.messages:
        channel["messages"] = {_slug(name): {"$ref": f"#/components/messages/{_slug(name)}"} for name in flow.messages}
    return channel | {"bindings": {"kafka": _binding(topic)}, "x-key": topic.key, "x-owner": topic.owner}


def _binding(topic: Topic) -> Document:
    configuration: Document = {"cleanup.policy": topic.cleanup.split(",")}
    others: Document = {}
    for name, value in topic.config.items():
        if name in _BINDING_SETTINGS:
            configuration[name] = int(value)
        elif name != "cleanup.policy":
            others[name] = value
    binding: Document = {"partitions": topic.partitions, "topicConfiguration": configuration, "bindingVersion": "0.5.0"}
    return binding | ({"x-more-topic-settings": others} if others else {})


def _operations(topics: Topics, flows: Mapping[str, _Flow]) -> Document:
    """What each end of each channel does with it."""
    operations: Document = {}
    for topic in topics.all():
        flow, channel = flows[topic.name], _id(topic, topics)
        for action, who in (("receive", flow.receives), ("send", flow.sends)):
            for process in who:
                operations[f"{_slug(process)}_{action}s_{channel}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{channel}"},
                    "title": f"{process} {action}s",
                }
    return operations


def _message(name: str, schema: JsonSchema, examples: Mapping[str, Any]) -> Document:
    event = name.startswith(("class.", "roster."))
    message: Document = {"name": name, "title": schema.get("title", name)}
    if event:
        message["contentType"] = _CLOUD_EVENTS
    message["payload"] = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": {"$ref": f"./json/{name}.json"}}
    key = "class_id" if event else "provider_id"
    message["bindings"] = {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}}
    message["examples"] = [{"name": example, "payload": payload} for example, payload in examples.items()]
    return message


def _id(topic: Topic, topics: Topics) -> str:
    return "retries" if topic.name == topics.retry(DEFAULT_TIERS[0]) else _slug(topic.name)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name)
