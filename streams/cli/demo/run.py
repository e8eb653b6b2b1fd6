"""The course of the demo: start, tell the story, show what was verified, stay up if asked to, end everything."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from streams.cli.brokers import producer_client
from streams.cli.demo import closing, connections, everyday, hardship, staying, trouble
from streams.cli.demo.audit import Audit
from streams.cli.demo.booking import Booking
from streams.cli.demo.cast import PROVIDERS, ZONE, Provider, Timetable
from streams.cli.demo.checks import Checker
from streams.cli.demo.children import ChildEndedError, Family
from streams.cli.demo.portal import Portal, Visitor
from streams.cli.demo.scene import Play, Scene
from streams.cli.demo.screen import Screen
from streams.cli.demo.services import SimulatedServices
from streams.cli.demo.stage import Stage, start_backing, start_workers
from streams.cli.demo.together import together
from streams.cli.errors import CommandError
from streams.settings import Settings

__all__ = ["INTERRUPTED", "run"]

SCENES: Sequence[Scene] = (
    *connections.OPENING,
    *everyday.SCENES,
    *trouble.SCENES,
    *hardship.SCENES,
    *connections.SCENES,
    *closing.SCENES,
)
INTERRUPTED = 130


def run(*, keep: bool, directory: Path) -> int:
    """The exit code: 0 when everything held, 1 when something did not, 130 when it was interrupted before the end of the story."""
    return asyncio.run(_run(keep, directory, Screen()))


async def _run(keep: bool, directory: Path, screen: Screen) -> int:
    _cancel_on_signals()
    screen.title("Impact Feedback external calendar integration · demo")
    told = False
    try:
        with Family(directory / "logs") as family:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
                stage = await _start(family, session, directory, screen)
                timetable = Timetable(datetime.now(ZoneInfo(ZONE)).date())
                told = await _tell(stage, timetable, screen)
                if told and keep:
                    await staying.stay(stage, timetable, directory, screen)
                screen.busy("Stopping")
    except asyncio.CancelledError:
        screen.idle()
        if told:
            return 0
        screen.failure("Interrupted; everything is stopped.")
        return INTERRUPTED
    except CommandError as error:
        screen.failure(str(error))
        return 1
    screen.idle()
    return 0 if told else 1


def _cancel_on_signals() -> None:
    """The first signal cancels what runs, so that all ends in order; later ones do not disturb that."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def cancel() -> None:
        if task is not None and not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, cancel)


async def _start(family: Family, session: aiohttp.ClientSession, directory: Path, screen: Screen) -> Stage:
    screen.heading("Starting")
    screen.busy("Apache Kafka, the sandbox and the portal (the first run ever fetches Kafka)")
    stage = await start_backing(family, session, directory, screen.ready)
    screen.busy("The workers")
    await start_workers(stage, screen.ready)
    return stage


async def _tell(stage: Stage, timetable: Timetable, screen: Screen) -> bool:
    """The story, up to the first claim that does not hold. True when all did."""
    began = time.monotonic()
    failure: CommandError | None = None
    checked: list[Checker] = []
    try:
        async with _play(stage, timetable, screen, checked) as play:
            for number, scene in enumerate(SCENES, start=1):
                screen.idle()
                screen.scene(number, scene.title, scene.told)
                await scene.act(play)
    except CommandError as error:
        failure = _root_of(error, stage.family)
    verified = checked[0].verified if checked else []
    if verified:
        screen.table(verified)
    if failure is not None:
        screen.failure(f"It does not hold. {failure}\nThe story ends here.")
        return False
    screen.note(f"All {len(verified)} claims hold; the story took {time.monotonic() - began:.0f} s.")
    return True


def _root_of(error: CommandError, family: Family) -> CommandError:
    """Where a process ended, that is the reason for whatever failed after it."""
    try:
        family.require_running()
    except ChildEndedError as ended:
        return ended
    return error


@asynccontextmanager
async def _play(stage: Stage, timetable: Timetable, screen: Screen, checked: list[Checker]) -> AsyncIterator[Play]:
    settings, services = stage.settings, SimulatedServices(stage.session, stage.sandbox_url)
    async with _followed(settings) as (audit, following), producer_client(settings.kafka) as producer, Portal(stage.portal_url) as portal:

        def require_alive() -> None:
            stage.family.require_running()
            if following.done():
                following.result()

        checked.append(Checker(screen, require_alive))
        screen.heading("The story")
        screen.busy("The providers sign in")
        yield Play(
            stage=stage,
            booking=Booking(producer, settings.topics.class_events),
            portal=portal,
            visitors=await _sign_in(portal, services),
            services=services,
            audit=audit,
            checker=checked[0],
            timetable=timetable,
        )


@asynccontextmanager
async def _followed(settings: Settings) -> AsyncIterator[tuple[Audit, asyncio.Task[None]]]:
    """What the product publishes, and the task that reads on: done only when it failed."""
    audit = Audit(settings.topics)
    following = asyncio.create_task(audit.follow(settings))
    try:
        yield audit, following
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, CommandError):
            await following


async def _sign_in(portal: Portal, services: SimulatedServices) -> dict[Provider, Visitor]:
    async def arrive(provider: Provider) -> Visitor:
        await services.introduce(provider.service, provider.provider_id, provider.email, provider.name)
        return await portal.visit(provider.email)

    return dict(zip(PROVIDERS, await together(*map(arrive, PROVIDERS)), strict=True))
