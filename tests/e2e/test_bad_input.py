"""Events that break the contract: each becomes a dead letter as it came, with a reason that names the field, and the worker goes on."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from schemas import headers as names
from streams.engine.kafka_clients import producer_options
from tests.e2e.booking import STRUCTURED, TYPE, Headers, cloud_event
from tests.e2e.metrics import counter, counts
from tests.e2e.topics import header
from tests.e2e.world import STUDENT, World
from tests.support.bad_lines import BAD_LINES
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

Raw = tuple[bytes | None, bytes | None, Headers]
#: Headers that a tracing library may have added: they have to come out as they went in, the repeated one too.
TRACE: Headers = (("traceparent", b"00-1-2-01"), ("baggage", b"a"), ("baggage", b"\xff\x00"))

_WHEN = {"starts_at": "2030-05-06T09:30:00", "ends_at": "2030-05-06T10:00:00", "time_zone": "Europe/Berlin"}


def _json(class_id: str, short_type: str, **data: Any) -> Raw:
    event = cloud_event(short_type, {"class_id": class_id, "version": 2, **data})
    return class_id.encode(), json.dumps(event).encode(), STRUCTURED


def _moved(class_id: str, **changes: Any) -> Raw:
    return _json(class_id, "class.rescheduled", **_WHEN | changes)


def _without_version(class_id: str) -> Raw:
    event = cloud_event("class.cancelled", {"class_id": class_id})
    return class_id.encode(), json.dumps(event).encode(), STRUCTURED


def _null_key(class_id: str) -> Raw:
    return None, _json(class_id, "class.cancelled")[1], STRUCTURED


#: What is wrong: (how to make it, the code of the dead letter, what its reason has to name).
BAD: dict[str, tuple[Callable[[str], Raw], str, str]] = {
    "not JSON": (lambda name: (name.encode(), b'{"specversion": ', STRUCTURED), "not_json", "JSON"),
    "invalid UTF-8": (lambda name: (name.encode(), b'{"x": "\xc3("}', STRUCTURED), "not_utf8", "UTF-8"),
    "null key": (_null_key, "null_key", "key"),
    "null value": (lambda name: (name.encode(), None, STRUCTURED), "null_value", "value"),
    "unknown type": (lambda name: _json(name, "class.exploded"), "unknown_type", TYPE.format("class.exploded")),
    "missing field": (_without_version, "bad_data", "version"),
    "wrong field": (lambda name: _json(name, "class.relocated", location=5), "bad_data", "$.data.location"),
    "wrong student": (lambda name: _json(name, "roster.student_added", student_id=[f"{STUDENT}wrong"]), "bad_data", "$.data.student_id"),
    "end before start": (lambda name: _moved(name, ends_at="2030-05-06T09:00:00"), "bad_data", "ends_at"),
    "unknown zone": (lambda name: _moved(name, time_zone="Europe/Atlantis"), "bad_data", "time_zone"),
    "payload over the limit": (lambda name: _json(name, "class.cancelled", reason="x" * 256 * 1024), "too_large", "payload"),
    "key contradicts class_id": (lambda name: (b"another", *_json(name, "class.cancelled")[1:]), "key_mismatch", "class_id"),
}


async def dead_letters(world: World, count: int) -> list[ConsumerRecord]:
    async def probe() -> list[ConsumerRecord] | None:
        records = await world.tail.read(world.topics.class_events_dlq)
        return records if len(records) >= count else None

    found = await eventually(probe, what=f"{count} dead letters", timeout=30)
    assert found is not None
    return found


@pytest.mark.parametrize("wrong", BAD)
async def test_a_bad_event_is_a_dead_letter_as_it_came_and_the_worker_goes_on(world: World, wrong: str) -> None:
    make, code, named = BAD[wrong]
    provider, story = await world.connected("google"), world.new_class()
    await story.schedule(provider.provider_id)
    counted = await counter(world, "fold", "impact_fold_dead_letters", code=code)
    key, value, headers = make(story.class_id)
    sent = await world.publish(key, value, headers + TRACE)

    (letter,) = await dead_letters(world, 1)
    assert (letter.key, letter.value) == (key, value)
    assert letter.headers[: len(headers + TRACE)] == headers + TRACE
    assert header(letter, names.DEAD_LETTER_CODE) == code
    assert named in header(letter, names.DEAD_LETTER_REASON)
    assert STUDENT not in header(letter, names.DEAD_LETTER_REASON)
    source = [header(letter, name) for name in (names.SOURCE_TOPIC, names.SOURCE_PARTITION, names.SOURCE_OFFSET)]
    assert source == [world.topics.class_events, str(sent.partition), str(sent.offset)]
    await counts(world, "fold", "impact_fold_dead_letters", counted + 1, code=code)

    await world.shown(provider, await story.join())
    assert len(await dead_letters(world, 1)) == 1


async def test_every_way_to_break_the_contract_is_sorted_out_in_one_batch(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await story.schedule(provider.provider_id)
    event = cloud_event("class.cancelled", {"class_id": story.class_id, "version": 9})
    spoilt = [(code, *spoil(event)) for code, spoil in BAD_LINES]
    for _code, key, value, headers in spoilt:
        await world.publish(key, value, headers)
    await world.shown(provider, await story.join())
    letters = await dead_letters(world, len(spoilt))
    found = sorted((header(letter, names.DEAD_LETTER_CODE), letter.key or b"", letter.value or b"") for letter in letters)
    assert found == sorted((code, key or b"", value or b"") for code, key, value, _headers in spoilt)


async def test_a_record_larger_than_any_topic_takes_is_cut_and_the_worker_goes_on(world: World) -> None:
    """It came in because it was compressed on its way."""
    provider, story = await world.connected("google"), world.new_class()
    await story.schedule(provider.provider_id)
    options = producer_options(world.stack.settings.kafka) | {"max_request_size": 2**24, "compression_type": "gzip"}
    async with AIOKafkaProducer(**options) as producer:
        headers = [("h", b"x" * 2**20)] * 3
        await producer.send_and_wait(world.topics.class_events, b"v" * 3 * 2**20, key=b"k" * 3 * 2**20, headers=headers)

    (letter,) = await dead_letters(world, 1)
    assert letter.key is not None
    assert letter.value is not None
    assert set(letter.key + letter.value) == set(b"kv")
    told = (names.TRUNCATED_FROM, names.KEY_TRUNCATED_FROM, names.HEADERS_LEFT_OUT)
    assert [header(letter, name) for name in told] == [str(3 * 2**20), str(3 * 2**20), "3"]
    await world.shown(provider, await story.join())
