"""The generated files: up to date, valid in their own terms, and of one mind with the structs about every example."""

import json
from datetime import datetime, timedelta
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
import yaml

from schemas.asyncapi import asyncapi_document
from schemas.codec import decode_connection, decode_intent, decode_outcome, decode_status, encode
from schemas.connections import ConnectionGranted, ConnectionRevoked, ConnectionStatus
from schemas.envelope import decode_event, encode_event
from schemas.events import EVENT_TYPES, short_name
from schemas.generate import HERE, generated, read_examples
from schemas.intents import CalendarEntry, Intent
from schemas.json_schema import INSTANTS, WALL_TIMES, message_schemas
from schemas.outcomes import Outcome
from schemas.topics import Topics
from streams.agents.projection.folder import Folder
from tests.unit.schemas.records import STRUCTURED, bad_records, good_messages, structured

SCHEMAS = message_schemas()
DECODERS = {
    "intent": decode_intent,
    "outcome": decode_outcome,
    "connection.granted": decode_connection,
    "connection.revoked": decode_connection,
    "connection-status": decode_status,
}


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(SCHEMAS[name], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_the_file_is_what_the_structs_give(path: Any) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], "run `python -m schemas.generate`"


def test_no_schema_is_left_over() -> None:
    assert {path.stem for path in (HERE / "json").iterdir()} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema_and_has_examples(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"].endswith(name)
    assert read_examples(name)


def test_each_event_type_has_a_schema_that_says_what_it_means() -> None:
    for type_ in EVENT_TYPES:
        assert SCHEMAS[short_name(type_)]["description"]


@pytest.mark.parametrize(("label", "content"), good_messages().items(), ids=good_messages())
def test_each_example_keeps_the_schema_and_the_struct_and_survives_a_round_trip(label: str, content: dict[str, Any]) -> None:
    name = label.partition("/")[0]
    validator(name).validate(content)
    if name in DECODERS:
        decoded = DECODERS[name](json.dumps(content).encode())
        again = encode(decoded)
        assert DECODERS[name](again) == decoded
    else:
        received = decode_event(*structured(content))
        again = encode_event(received.event, id=received.id, time=received.time or datetime(2021, 1, 1))
        assert decode_event(received.event.class_id.encode(), again).event == received.event
    validator(name).validate(json.loads(again))


#: Rules that only the structs know.
UNSAYABLE = {"ends_before_it_starts", "unknown_zone", "day_that_does_not_exist"}


BAD_DATA = [bad for bad in bad_records() if bad.code == "bad_data" and tuple(bad.headers) == STRUCTURED]


@pytest.mark.parametrize("bad", BAD_DATA, ids=lambda bad: bad.name)
def test_the_schema_refuses_bad_data_too_but_for_what_a_schema_cannot_say(bad: Any) -> None:
    content = json.loads(bad.value)
    accepted = validator(short_name(content["type"])).is_valid(content)
    assert accepted == (bad.name in UNSAYABLE)


def test_every_time_in_a_message_is_known_as_wall_time_or_instant() -> None:
    times = set()
    for struct in (*EVENT_TYPES.values(), Intent, CalendarEntry, Outcome, ConnectionGranted, ConnectionRevoked, ConnectionStatus):
        for field, hint in get_type_hints(struct).items():
            if datetime in (hint, *get_args(hint)):
                times.add(field)
    assert times == WALL_TIMES | INSTANTS


def test_the_asyncapi_document_has_every_topic_and_resolves_every_reference() -> None:
    document = yaml.safe_load((HERE / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert document["asyncapi"] == "3.0.0"
    addresses = {channel["address"].replace("{tier}", "30s") for channel in document["channels"].values()}
    assert addresses == {topic.name for topic in Topics(tiers=[timedelta(seconds=30)]).all()}
    for reference in references(document):
        if reference.startswith("#/"):
            assert resolve(document, reference)
        else:
            assert (HERE / reference).is_file()


def test_every_message_of_the_asyncapi_document_is_on_a_channel_that_someone_sends_to_and_someone_reads() -> None:
    document = asyncapi_document(SCHEMAS, {name: read_examples(name) for name in SCHEMAS})
    on_channels = {name for channel in document["channels"].values() for name in channel.get("messages", {})}
    assert on_channels == set(document["components"]["messages"])
    for channel in document["channels"]:
        actions = {op["action"] for op in document["operations"].values() if op["channel"]["$ref"] == f"#/channels/{channel}"}
        assert actions == {"send", "receive"}


def test_the_read_model_of_the_asyncapi_document_reads_what_the_read_model_reads() -> None:
    topics = Topics(tiers=[timedelta(seconds=30)])
    document = yaml.safe_load((HERE / "asyncapi.yaml").read_text(encoding="utf-8"))
    channels = [op["channel"]["$ref"] for op in document["operations"].values() if op["title"] == "read-model receives"]
    assert sorted(resolve(document, channel)["address"] for channel in channels) == sorted(Folder(topics).topics)


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in references(value)]
    return [reference for value in node for reference in references(value)] if isinstance(node, list) else []


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document
