"""The scene in which workers die."""

import asyncio

from streams.cli.demo.cast import PROVIDERS, Lesson
from streams.cli.demo.checks import NotYetError, Seen
from streams.cli.demo.scene import Play, Scene

__all__ = ["SCENES"]


async def _killed(play: Play) -> None:
    training = play.timetable.training
    slow = await play.services.fail(None, kind="latency", operation="create", latency_ms=500)
    first, second = training[:24], training[24:]
    await _book(play, first)

    async def under_way() -> Seen:
        standing = await _standing(play, training)
        if standing < 4:
            raise NotYetError(f"{standing} stand")
        for name in ("execute", "fold"):
            play.stage.workers[name].kill()
        return Seen(what=f"killed when {standing} of {len(training)} stood; the rest is booked while they are dead")

    await play.verify("fold and execute die in the middle of it", "SIGKILL while calls are under way", under_way)
    await _book(play, second)
    await play.services.mend(slow)
    for name in ("fold", "execute"):
        play.stage.workers[name].start()

    async def all_once() -> Seen:
        events = await asyncio.gather(*(play.the_event(lesson, lesson.provider) for lesson in training))
        duplicates = (await play.services.stats()).duplicates
        if duplicates:
            raise NotYetError(f"{duplicates} events stood twice")
        return Seen(what=f"{len(events)} of {len(training)} stand, each once", why="the agenda marks a create before the call goes out")

    await play.verify("Started again, nothing is lost or double", f"all {len(training)} read back, duplicates: 0", all_once, within=90.0)


async def _book(play: Play, lessons: tuple[Lesson, ...]) -> None:
    await play.booking.publish(*(event for lesson in lessons for event in (lesson.scheduled(), lesson.student_added())))


async def _standing(play: Play, lessons: tuple[Lesson, ...]) -> int:
    urls = {lesson.url for lesson in lessons}
    calendars = [await play.services.events(provider.service, provider.email) for provider in PROVIDERS]
    return sum(event.url in urls for events in calendars for event in events)


SCENES = (
    Scene(
        title="Killed", told="40 appointments are on their way when two workers are killed (SIGKILL); they are started again.", act=_killed
    ),
)
