"""Intents that are given up: through every tier first, or at once where trying again cannot help; nothing of them is lost."""

from datetime import datetime

import pytest
from aiokafka.structs import ConsumerRecord

from schemas import headers as names
from schemas.outcomes import OutcomeKind
from tests.e2e.topics import header
from tests.e2e.world import Provider, World

pytestmark = pytest.mark.kafka


async def given_up(world: World, provider: Provider) -> ConsumerRecord:
    """The dead letter of the provider's only intent that is given up."""
    await world.outcome(provider, lambda outcome: outcome.kind is OutcomeKind.DEAD_LETTERED, what="given up")
    (letter,) = await world.tail.read(world.topics.intents_dlq, provider.provider_id)
    return letter


def assert_is_original(letter: ConsumerRecord, original: ConsumerRecord) -> None:
    """The bytes and headers of the record that fold published, and where that stands."""
    assert (letter.key, letter.value) == (original.key, original.value)
    assert set(original.headers) <= set(letter.headers)
    source = [header(letter, name) for name in (names.SOURCE_TOPIC, names.SOURCE_PARTITION, names.SOURCE_OFFSET)]
    assert source == [original.topic, str(original.partition), str(original.offset)]


async def test_an_intent_goes_through_every_tier_and_then_to_the_dead_letters(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    fault = await world.sandbox.fault(service, "status", operation="create", email=provider.account.email, status=503)
    await story.book(provider.provider_id)
    letter = await given_up(world, provider)

    original, *again = await world.tail.read(world.topics.intents, provider.provider_id)
    assert len(again) == 2
    tiers = [await world.tail.read(world.topics.retry(tier), provider.provider_id) for tier in world.topics.tiers]
    assert_is_original(letter, original)
    assert [len(records) for records in tiers] == [1, 1]
    assert [header(record, names.ATTEMPT) for (record,) in tiers] == ["1", "2"]
    for record in (*(record for (record,) in tiers), *again):
        assert_is_original(record, original)
    assert header(letter, names.ATTEMPT) == "3"
    first, last = (datetime.fromisoformat(header(letter, name)) for name in (names.FIRST_FAILURE, names.LAST_FAILURE))
    assert (last - first).total_seconds() >= 3
    assert header(letter, names.ERROR_CLASS) == header(letter, names.DEAD_LETTER_CODE) == "ServiceFailing"
    assert "503" in header(letter, names.DEAD_LETTER_REASON)
    assert (await world.calls(provider)) == ["create"] * 3

    await world.sandbox.lift(fault)
    await world.shown(provider, await story.relocate("The next change makes it after all"))


@pytest.mark.parametrize("reason", ["a request that is wrong", "access that is denied"])
async def test_a_permanent_error_is_a_dead_letter_at_once(world: World, service: str, reason: str) -> None:
    status, word = (
        (400, None) if reason == "a request that is wrong" else (403, "forbidden" if service == "google" else "ErrorAccessDenied")
    )
    provider, story = await world.connected(service), world.new_class()
    order = {"status": status, "reason": word, "operation": "create", "email": provider.account.email, "times": 1}
    await world.sandbox.fault(service, "status", **order)
    await story.book(provider.provider_id)
    letter = await given_up(world, provider)
    (original,) = await world.tail.read(world.topics.intents, provider.provider_id)
    assert_is_original(letter, original)
    assert (header(letter, names.ATTEMPT), header(letter, names.ERROR_CLASS)) == ("1", "Permanent")
    assert str(status) in header(letter, names.DEAD_LETTER_REASON)
    assert await world.calls(provider) == ["create"]
    for tier in world.topics.tiers:
        assert not await world.tail.read(world.topics.retry(tier), provider.provider_id)


async def test_an_intent_that_breaks_its_contract_is_a_dead_letter_and_the_lane_goes_on(world: World, service: str) -> None:
    provider, story = await world.connected(service), world.new_class()
    await world.send(world.topics.intents, provider.provider_id.encode(), b'{"id": "broken"', (("trace", b"\xff"),))
    await world.shown(provider, await story.book(provider.provider_id))
    (letter,) = await world.tail.read(world.topics.intents_dlq, provider.provider_id)
    assert (letter.value, letter.headers[0]) == (b'{"id": "broken"', ("trace", b"\xff"))
    assert header(letter, names.DEAD_LETTER_CODE) == "not_json"
