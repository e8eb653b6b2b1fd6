"""Changes in an open page: server-sent events through a real server, since a stream's headers, order and end are what matters."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from adapters.portal.classes.live import HEARTBEAT
from adapters.portal.services import Services
from schemas.outcomes import OutcomeKind
from tests.integration.portal_classes.html import Page
from tests.integration.portal_classes.world import World, with_fields
from tests.support.class_events import CLASS_ID, snapshotted

SOON = 60


@contextlib.asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The portal behind uvicorn on a free port; its address."""
    server = uvicorn.Server(uvicorn.Config(world.app, port=0, log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def opened(world: World, base: str, page: str, who: str = "ada") -> AsyncIterator[tuple[httpx.AsyncClient, Page, AsyncIterator[str]]]:
    """A page, and the names of the events of its stream as they come."""
    async with httpx.AsyncClient(base_url=base, cookies=world.cookies(who), timeout=SOON) as browser:
        found = Page((await browser.get(page)).text)
        async with browser.stream("GET", found.live.attributes["data-changes"]) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            yield browser, found, _events(answer.aiter_lines())


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith("event: "):
            yield line.removeprefix("event: ")


async def until(events: AsyncIterator[str], wanted: str) -> None:
    async with asyncio.timeout(SOON):
        async for event in events:
            if event == wanted:
                return
    raise AssertionError(f"the stream ended without {wanted}")


async def test_a_change_reaches_the_open_calendar(world: World) -> None:
    await world.connect("ada")
    await world.tell(snapshotted(1, "s1"))
    async with served(world) as base, opened(world, base, "/manage/classes?on=2027-03-08") as (browser, found, events):
        assert [element.attributes["data-mark"] for element in found.of_class("entry")] == ["waiting"]
        await until(events, "as-of")  # the stream is up and has nothing else to say
        await world.outcome(CLASS_ID, "ada", OutcomeKind.CREATED)
        await until(events, "changed")
        fresh = Page((await browser.get(found.live.attributes["data-fragment"])).text)
        assert [element.attributes["data-mark"] for element in fresh.of_class("entry")] == ["synced"]


async def test_a_change_between_the_page_and_its_stream_is_not_missed(world: World) -> None:
    await world.tell(snapshotted(1, "s1"))
    async with served(world) as base, httpx.AsyncClient(base_url=base, cookies=world.cookies("ada"), timeout=SOON) as browser:
        found = Page((await browser.get("/manage/classes?on=2027-03-08")).text)
        await world.tell(snapshotted(2, "s1", title="Another title"))
        async with browser.stream("GET", found.live.attributes["data-changes"]) as answer:
            await until(_events(answer.aiter_lines()), "changed")


async def test_a_stream_opened_anew_goes_on_from_what_was_seen(world: World) -> None:
    await world.tell(snapshotted(1, "s1"))
    async with served(world) as base, httpx.AsyncClient(base_url=base, cookies=world.cookies("ada"), timeout=SOON) as browser:
        old = Page((await browser.get("/manage/classes?on=2027-03-08")).text).live.attributes["data-changes"]
        await world.tell(snapshotted(2, "s1", title="Another title"))
        async with browser.stream("GET", old) as answer:
            seen = ""
            async with asyncio.timeout(SOON):
                async for line in answer.aiter_lines():
                    if line.startswith("id: "):
                        seen = line.removeprefix("id: ")
                        break
        async with browser.stream("GET", old, headers={"last-event-id": seen}) as answer:
            async with asyncio.timeout(SOON):
                first = await anext(aiter(_events(answer.aiter_lines())))
        assert first == "as-of"


async def test_a_change_that_is_not_on_the_page_leaves_it_alone(world: World) -> None:
    await world.connect("ada", "ben")
    await world.tell(snapshotted(1, "s1"))
    async with served(world) as base, opened(world, base, "/manage/classes?on=2027-03-08") as (_, _found, events):
        await until(events, "as-of")
        await world.tell(with_fields(snapshotted(1, "s1"), class_id="of-ben", provider_ids=("ben",)))
        await world.tell(snapshotted(2, "s1", title="Mine"))
        heard = [await anext(events)]
        while heard[-1] != "changed":
            heard.append(await anext(events))
        assert heard.count("changed") == 1


async def test_a_change_reaches_the_open_timeline(world: World) -> None:
    await world.connect("ada")
    await world.tell(snapshotted(1, "s1"))
    page = f"/manage/classes/timeline?class={CLASS_ID}"
    async with served(world) as base, opened(world, base, page) as (browser, found, events):
        await until(events, "as-of")
        await world.outcome(CLASS_ID, "ada", OutcomeKind.CREATED)
        await until(events, "changed")
        fresh = Page((await browser.get(found.live.attributes["data-fragment"])).text)
        assert "Put on the Google calendar." in " ".join(element.text for element in fresh.of_class("story-step"))


async def test_another_providers_timeline_says_nothing_of_its_changes(world: World) -> None:
    await world.tell(snapshotted(1, "s1"))
    async with served(world) as base, httpx.AsyncClient(base_url=base, cookies=world.cookies("ben"), timeout=SOON) as browser:
        ids = []
        for _ in range(2):
            async with browser.stream("GET", f"/live/classes/changes?class={CLASS_ID}") as answer, asyncio.timeout(SOON):
                ids.append(await anext(line async for line in answer.aiter_lines() if line.startswith("id: ")))
            await world.tell(snapshotted(2, "s1", title="Another title"))
    assert ids[0] == ids[1]


async def test_asking_for_a_streams_head_ends_at_once(world: World) -> None:
    async with world.browser("ada") as browser:
        answer = await browser.head("/live/classes/changes")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_nobody_looks_at_the_read_model_when_no_page_is_open(world: World) -> None:
    await world.tell(snapshotted(1, "s1"))
    services: Services = world.app.state.services
    feed = services.class_changes
    async with feed.watch() as one, feed.watch() as another:
        assert feed.is_looking
        async with asyncio.timeout(SOON):
            assert await one.wait(HEARTBEAT)
            assert await another.wait(HEARTBEAT)
    assert not feed.is_looking


@pytest.mark.parametrize("query", ["", "?seen=", "?seen=%00%ff", "?seen=" + "x" * 3000, "?class=&view=bad&on=bad"])
async def test_a_stream_of_any_address_is_a_stream(world: World, query: str) -> None:
    cookies = world.cookies("ada")
    async with (
        served(world) as base,
        httpx.AsyncClient(base_url=base, cookies=cookies, timeout=SOON) as browser,
        browser.stream("GET", f"/live/classes/changes{query}") as answer,
        asyncio.timeout(SOON),
    ):
        assert await anext(answer.aiter_lines()) == "retry: 1000"
