"""After all that traffic: no student and no token where they do not belong. Runs last, and searches what every test before it left too."""

import asyncio
import re
from pathlib import Path

import pytest

from schemas.outcomes import OutcomeKind
from tests.e2e.booking import STRUCTURED
from tests.e2e.metrics import scrape
from tests.e2e.stack import WORKERS
from tests.e2e.topics import all_records
from tests.e2e.world import STUDENT, Provider, World
from tests.support.processes import run_command

pytestmark = pytest.mark.kafka

#: How the simulated services begin their refresh and access tokens; the rest is 48 random bytes or more. Not behind a full stop, where the
#: random part of a sealed token begins, which may look so by chance.
TOKEN = re.compile(rb"(?<![A-Za-z0-9_.-])(?:1//|1\.A|ya29\.|EwB)[A-Za-z0-9_-]{60,}")


@pytest.fixture(scope="module")
def told() -> dict[str, list[Provider]]:
    """By service: whose traffic this module has made already."""
    return {}


@pytest.fixture
async def providers(world: World, service: str, told: dict[str, list[Provider]]) -> list[Provider]:
    if service not in told:
        told[service] = await traffic(world, service)
        for provider in told[service]:
            assert TOKEN.fullmatch(provider.tokens[0].encode()), "or the search would not know a token when it saw one"
    return told[service]


async def traffic(world: World, service: str) -> list[Provider]:
    """Traffic of every kind: served, throttled, failed, given up, dead, reconnected, disconnected, and input that breaks the contract."""
    served, failing, dead, gone = [await world.connected(service) for _ in range(4)]
    stories = [world.new_class() for _ in range(4)]
    await world.sandbox.fault(service, "status", operation="create", email=failing.account.email, status=400, times=1)
    for provider, story in zip((served, failing, dead, gone), stories, strict=True):
        await story.book(provider.provider_id)
        await story.join()
    await world.outcome(failing, lambda outcome: outcome.kind is OutcomeKind.DEAD_LETTERED, what="given up")
    await world.shown(dead, 2)
    await world.sandbox.revoke_grants(dead.account)
    await stories[2].relocate("Studio 31")
    await world.states(dead, "connected", "needs_reconnect")
    await world.connect(dead)
    await world.shown(dead, 4)
    await world.shown(gone, 2)
    await world.disconnect(gone, remove_events=True)
    await world.states(gone, "connected", "disconnecting", "disconnected")
    broken = f'{{"class_id": "{stories[0].class_id}", "student_id": "{STUDENT}broken", "refresh_token": "{served.tokens[0]}"}}'
    await world.publish(stories[0].class_id.encode(), broken.encode(), STRUCTURED)
    await world.publish(stories[0].class_id.encode(), stories[0].published[1].replace(b'"version": 2', b'"version": "x"'), STRUCTURED)
    await world.settled()
    return [served, failing, dead, gone]


async def test_no_token_stands_in_clear_in_any_topic(world: World, providers: list[Provider]) -> None:
    records = await all_records(world.stack.settings, [topic.name for topic in world.topics.all()])
    assert len(records) > 20
    given_away = {
        world.topics.class_events,
        world.topics.class_events_dlq,
    }  # a booking system that publishes a token gets it back as it was
    for record in records:
        if record.topic not in given_away:
            assert not TOKEN.search(_bytes_of(record)), record.topic
    granted = [_bytes_of(record) for record in records if b'"sealed_refresh_token"' in _bytes_of(record)]
    assert len(granted) >= len(providers)
    assert all(b'"sealed_refresh_token":"v1.test.' in text for text in granted)


async def test_no_student_leaves_the_booking_system(world: World, providers: list[Provider]) -> None:
    records = await all_records(world.stack.settings, [topic.name for topic in world.topics.all()])
    booking = {world.topics.class_events, world.topics.class_events_dlq, world.topics.classes_changelog}
    assert any(STUDENT.encode() in _bytes_of(record) for record in records if record.topic in booking), "or the search finds nothing at all"
    for record in records:
        if record.topic not in booking:
            assert STUDENT.encode() not in _bytes_of(record), record.topic


async def test_no_student_and_no_token_stands_in_a_log_or_a_page_of_a_worker(world: World, providers: list[Provider]) -> None:
    pages = {f"{worker}/metrics": (await scrape(world, worker)).encode() for worker in WORKERS}
    status = await asyncio.to_thread(run_command, "status", "--json", env=world.stack.env)
    assert status.returncode == 0, status.stderr
    texts = {**world.stack.logs, **pages, "status": (status.stdout + status.stderr).encode()}
    assert len(texts["execute.log"]) > 1000
    for provider in providers:
        for name, text in texts.items():
            assert not any(token.encode() in text for token in provider.tokens), name
    for name, text in texts.items():
        assert STUDENT.encode() not in text, name
        assert not TOKEN.search(text), name


async def test_no_student_and_no_token_stands_on_a_calendar(world: World, providers: list[Provider]) -> None:
    for calendar in await world.sandbox.all_calendars():
        events = await world.sandbox.text(f"/control/calendars/{calendar['service']}/{calendar['email']}")
        assert STUDENT not in events
        assert not TOKEN.search(events.encode())
    page = await world.sandbox.text(f"/calendars/{providers[0].account.service}/{providers[0].account.email}?month=2030-05")
    assert "Yoga for beginners" in page
    assert STUDENT not in page
    assert not TOKEN.search(page.encode())


async def test_no_token_stands_in_clear_on_a_workers_disk(world: World, providers: list[Provider]) -> None:
    data = Path(world.stack.env["IMPACT_DATA_DIR"])
    files = await asyncio.to_thread(lambda: {path: path.read_bytes() for path in data.rglob("*") if path.is_file()})
    assert len(files) > 2
    for provider in providers:
        for path, content in files.items():
            assert not any(token.encode() in content for token in provider.tokens), path
    assert not any(STUDENT.encode() in content for path, content in files.items() if "execute" in str(path))


def _bytes_of(record: object) -> bytes:
    """Key, value and headers of a record."""
    parts = [record.key, record.value, *(part for name, value in record.headers for part in (name.encode(), value))]  # type: ignore[attr-defined]
    return b"\0".join(part or b"" for part in parts)
