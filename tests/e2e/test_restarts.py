"""Workers that are stopped, started, moved to an empty disk or told everything again: the calendars are as if nothing had happened.

Starting workers takes seconds, so each test looks at both services at once.
"""

import asyncio
import base64
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from adapters.vault.seal import KeyRing
from schemas.outcomes import Reason
from streams.engine.kafka_clients import admin_options
from streams.settings import Settings
from tests.e2e.metrics import counts
from tests.e2e.stack import WORKERS, Stack
from tests.e2e.topics import rewind
from tests.e2e.world import Provider, World
from tests.support.processes import Worker, run_command
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka

DAY = 86_400
FAUST = str(Path(sys.executable).with_name("faust"))


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack]) -> Iterator[Stack]:
    """A set of its own, since these tests stop its workers and let its clocks run."""
    with make_stack("restarts") as running:
        yield running


@pytest.fixture
async def providers(world: World) -> list[Provider]:
    """One of each calendar service."""
    return [await world.connected(service) for service in ("google", "microsoft")]


async def stop(worker: Worker) -> None:
    """SIGTERM, and a clean end, for which it may finish calls under way."""
    assert await asyncio.to_thread(worker.terminate) == 0, worker.output[-3000:]


async def restart(world: World, *names: str) -> None:
    for name in names:
        world.stack.workers[name].start()
    await asyncio.to_thread(world.stack.wait_until_healthy)


async def show(world: World, providers: list[Provider], location: str) -> None:
    """Until a class at that place stands on each calendar."""

    async def probe() -> bool:
        places = [{event.location for event in await world.events(provider)} for provider in providers]
        assert all(location in found for found in places), places
        return True

    await world.until(probe, what=f"a class at {location!r} on every calendar", timeout=60)


async def test_workers_stop_cleanly_in_the_middle_of_work_and_go_on_where_they_were(world: World, providers: list[Provider]) -> None:
    stories = [world.new_class() for _ in range(40)]
    for provider in providers:
        await world.sandbox.fault(provider.account.service, "latency", latency_ms=2_000)
        await world.sandbox.fault(provider.account.service, "status", operation="create", status=503, times=3)
    await asyncio.gather(*(story.book(*(provider.provider_id for provider in providers)) for story in stories))
    for provider in providers:
        await world.until(lambda provider=provider: world.events(provider), what="the first events")  # type: ignore[misc]
    await asyncio.gather(*(stop(world.stack.workers[name]) for name in WORKERS))
    assert all([len(await world.events(provider)) < len(stories) for provider in providers])

    await stories[0].cancel()
    await stories[1].relocate("Moved while nobody worked")
    await world.sandbox.lift_all()
    await restart(world, *WORKERS)
    await show(world, providers, "Moved while nobody worked")
    for provider in providers:
        await world.stand(provider, *stories[1:], timeout=60)
        summary = await world.sandbox.summary(provider.account)
        assert (summary["duplicates"], summary["notifications"]) == (0, 0)


async def test_a_worker_whose_disk_is_lost_finds_everything_in_its_changelog(world: World, providers: list[Provider]) -> None:
    kept, moved = world.new_class(), world.new_class()
    for story in (kept, moved):
        await story.book(*(provider.provider_id for provider in providers))
    before = [await world.stand(provider, kept, moved) for provider in providers]
    await world.settled()
    await asyncio.gather(*(stop(world.stack.workers[name]) for name in ("fold", "execute")))
    shutil.rmtree(world.stack.env["IMPACT_DATA_DIR"])
    await moved.relocate("After the loss")
    await kept.join()
    await restart(world, "fold", "execute")
    await show(world, providers, "After the loss")
    await world.settled()
    for provider, events in zip(providers, before, strict=True):
        after = await world.stand(provider, kept, moved)
        assert {event.id for event in after} == {event.id for event in events}
        assert await world.calls(provider) == ["create", "create", "update"]


async def test_a_fold_of_the_whole_topic_from_nothing_leaves_the_calendars_as_they_are(world: World, providers: list[Provider]) -> None:
    changed, gone, revived = world.new_class(), world.new_class(), world.new_class()
    everybody = [provider.provider_id for provider in providers]
    for story in (changed, gone, revived):
        await story.book(*everybody)
    await changed.relocate("Studio 21")
    await show(world, providers, "Studio 21")
    for story in (gone, revived):
        await story.cancel()
    for provider in providers:
        await world.stand(provider, changed)
    await revived.schedule(*everybody)
    before = [await world.stand(provider, changed, revived) for provider in providers]
    await world.settled()
    calls = [await world.calls(provider) for provider in providers]
    told = [len(await world.intents(provider)) for provider in providers]

    await stop(world.stack.workers["fold"])
    await forget_fold(world.stack)
    await restart(world, "fold")
    await world.settled(timeout=60)
    assert [len(await world.intents(provider)) for provider in providers] == [2 * count for count in told]
    assert [await world.events(provider) for provider in providers] == before
    assert [await world.calls(provider) for provider in providers] == calls
    await changed.relocate("Studio 22")
    await show(world, providers, "Studio 22")


async def forget_fold(stack: Stack) -> None:
    """Everything that the fold remembers: its group's offsets, its table, its disk."""
    settings = stack.settings
    await rewind(settings, settings.topics.fold_app, settings.topics.class_events)
    admin = AIOKafkaAdminClient(**admin_options(settings.kafka))
    await admin.start()
    try:
        await admin.delete_topics([settings.topics.classes_changelog])

        async def gone() -> bool:
            return settings.topics.classes_changelog not in await admin.list_topics()

        await eventually(gone, what="the end of the table's topic")
    finally:
        await admin.close()
    applied = await asyncio.to_thread(run_command, "topics", "apply", env=stack.env)
    assert applied.returncode == 0, applied.stderr
    shutil.rmtree(Path(stack.env["IMPACT_DATA_DIR"], "fold-0"))


async def test_a_rotated_refresh_token_survives_a_restart_and_goes_under_the_new_key(world: World) -> None:
    provider, story, execute = await world.connected("microsoft"), world.new_class(), world.stack.workers["execute"]
    await world.shown(provider, await story.book(provider.provider_id))
    await world.sandbox.advance_clock(80 * DAY)
    await world.shown(provider, await story.relocate("After 80 days"))
    await stop(execute)
    keys = execute.env["IMPACT_VAULT_KEYS"] = f"next:{base64.b64encode(bytes(range(32))).decode()},{execute.env['IMPACT_VAULT_KEYS']}"
    await restart(world, "execute")
    await world.sandbox.advance_clock(80 * DAY)
    await world.shown(provider, await story.relocate("After 160 days, when the first token has long expired"))

    assert [entry["status"] for entry in await world.sandbox.requests(provider.account, "token")] == [200, 200, 200]
    assert [status.state.value for status in await world.statuses(provider)] == ["connected"]
    rows = await world.tail.read(world.topics.connections_changelog, provider.provider_id)
    sealed = [json.loads(row.value)["current"]["sealed_refresh_token"] for row in rows]
    assert [token.split(".")[1] for token in sealed] == ["test", "test", "test", "next"]
    ring = KeyRing(Settings.from_env({"IMPACT_VAULT_KEYS": keys}).vault_keys)
    tokens = [ring.open(token, provider.connection) for token in sealed]
    assert tokens[0] == provider.tokens[0]
    assert len(set(tokens)) == 4, "each refresh brought another refresh token, and each was saved"


async def test_a_wrong_vault_key_costs_neither_the_connection_nor_the_class(world: World, providers: list[Provider]) -> None:
    execute, story = world.stack.workers["execute"], world.new_class()
    keys = execute.env["IMPACT_VAULT_KEYS"]
    key_id = keys.partition(":")[0]
    await stop(execute)
    execute.env["IMPACT_VAULT_KEYS"] = f"{key_id}:{base64.b64encode(bytes(32)).decode()}"
    await restart(world, "execute")
    await story.book(*(provider.provider_id for provider in providers))
    for provider in providers:
        await world.outcome(provider, lambda outcome: outcome.reason == Reason.TOKEN_UNREADABLE, what="what rests")
    await stop(execute)
    execute.env["IMPACT_VAULT_KEYS"] = keys
    await restart(world, "execute")
    for provider in providers:
        await world.stand(provider, story)
        assert [status.state.value for status in await world.statuses(provider)] == ["connected"]


async def test_a_disconnect_that_was_taken_back_while_execute_was_away_does_not_end_the_new_grant(world: World) -> None:
    """Google ends every grant of an account together: the old one must not be revoked any more once the new one is given."""
    provider, story, execute = await world.connected("google"), world.new_class(), world.stack.workers["execute"]
    event = await world.shown(provider, await story.book(provider.provider_id))
    await stop(execute)
    await world.disconnect(provider, remove_events=False)
    await world.connect(provider)
    await story.relocate("After the disconnect was taken back")
    await restart(world, "execute")
    assert (await world.shown(provider, story.version)).id == event.id
    assert await world.sandbox.requests(provider.account, "revoke") == []
    await world.states(provider, "connected", "disconnected", "connected")


async def test_fausts_own_command_runs_both_workers_too(world: World, providers: list[Provider]) -> None:
    await asyncio.gather(*(stop(world.stack.workers[name]) for name in ("fold", "execute")))
    runs = [
        Worker(
            *("-A", f"streams.{name}_app", "worker", "-l", "info"),
            env=world.stack.workers[name].env,
            log=world.stack.directory / f"faust-{name}.log",
            command=(FAUST,),
        )
        for name in ("fold", "execute")
    ]
    story = world.new_class()
    with runs[0] as fold, runs[1] as execute:
        await story.book(*(provider.provider_id for provider in providers), location="By Faust's own command")
        await show(world, providers, "By Faust's own command")
        await counts(world, "execute", "impact_execute_outcomes", 2, kind="created")
        await asyncio.gather(stop(fold), stop(execute))
    await restart(world, "fold", "execute")
    await story.relocate("By ours again")
    await show(world, providers, "By ours again")
