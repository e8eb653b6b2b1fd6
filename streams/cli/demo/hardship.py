"""Scenes in which workers die and a connection ends; and at last a look over everything."""

import asyncio
import json
from datetime import timedelta

from schemas.connections import ConnectionState
from schemas.outcomes import OutcomeKind
from streams.cli.demo.cast import DMITRI, PROVIDERS, Lesson
from streams.cli.demo.checks import NotYetError, Seen
from streams.cli.demo.scene import Play, Scene, described

__all__ = ["SCENES"]

#: Graph allows this many requests of one application to one mailbox at once.
_PER_MAILBOX = 4


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

    await play.verify("Started again, nothing is lost or double", f"all {len(training)} read back, duplicates: 0", all_once, within=60.0)


async def _book(play: Play, lessons: tuple[Lesson, ...]) -> None:
    await play.booking.publish(*(event for lesson in lessons for event in (lesson.scheduled(), lesson.student_added())))


async def _standing(play: Play, lessons: tuple[Lesson, ...]) -> int:
    urls = {lesson.url for lesson in lessons}
    calendars = [await play.services.events(provider.service, provider.email) for provider in PROVIDERS]
    return sum(event.url in urls for events in calendars for event in events)


async def _revoked(play: Play) -> None:
    aqua = play.timetable.aqua
    await play.booking.publish(aqua.scheduled(), aqua.student_added())
    await play.verify("Aqua Fitness stands at first", "read back from the calendar", play.shown(aqua, OutcomeKind.CREATED))
    before = await play.the_event(aqua, DMITRI)
    await play.services.withdraw_consent(DMITRI.service, DMITRI.email)
    await play.booking.publish(aqua.moved(timedelta(hours=2)))

    async def waits() -> Seen:
        why = play.why(aqua, DMITRI, OutcomeKind.WAITING)
        status = play.audit.status(DMITRI.provider_id)
        if status is None or status.state is not ConnectionState.NEEDS_RECONNECT:
            raise NotYetError(f"the connection's status is {status.state.value if status else 'not known'}")
        events = await play.standing(aqua, DMITRI)
        if [event.start_local for event in events] != [before.start_local]:
            raise NotYetError("the calendar changed without a grant")
        counts = ", ".join(f"{count} {state}" for state, count in (await play.report()).connections.items() if count)
        return Seen(what=f"{DMITRI}: still {described(events[0])} ({counts})", why=why)

    await play.verify("Without a grant the change waits", "status topic, audit log, calendar as before", waits)


async def _reconnected(play: Play) -> None:
    aqua = play.timetable.aqua
    await play.connecting.connect([DMITRI])
    await play.verify("Reconnected, the calendar catches up", "read back from the calendar", play.shown(aqua, OutcomeKind.UPDATED))

    async def connected() -> Seen:
        status = play.audit.status(DMITRI.provider_id)
        if status is None or status.state is not ConnectionState.CONNECTED:
            raise NotYetError(f"the connection's status is {status.state.value if status else 'not known'}")
        return Seen(what=f"{DMITRI}: {status.state.value}")

    await play.verify("The connection is well again", "status topic", connected)


async def _looked_over(play: Play) -> None:
    async def nothing_twice() -> Seen:
        stats = await play.services.stats()
        if stats.duplicates or stats.notifications or stats.max_concurrency > _PER_MAILBOX:
            raise NotYetError(
                f"{stats.duplicates} duplicates, {stats.notifications} notifications, {stats.max_concurrency} calls at once for a mailbox"
            )
        return Seen(what=f"{stats.standing} events stand; duplicates 0, mails to anybody 0, at most {stats.max_concurrency} calls at once")

    async def no_student() -> Seen:
        lessons = [lesson for lesson in vars(play.timetable).values() if isinstance(lesson, Lesson)] + list(play.timetable.training)
        students = [student for lesson in lessons for student in lesson.student_ids]
        calendars = [await play.services.events(provider.service, provider.email) for provider in PROVIDERS]
        shown = json.dumps([event.raw for events in calendars for event in events])
        if any(student in shown or play.audit.mentions(student) for student in students):
            raise NotYetError("a student was found")
        return Seen(what=f"none of {len(students)} students in a calendar, an intent, an outcome or a status")

    async def nothing_left() -> Seen:
        report = await play.report()
        lag = sum(topic.lag for group in report.groups for topic in group.topics)
        dead = sum(report.dead_letters.values())
        if lag or dead != 1:
            raise NotYetError(f"lag {lag}, dead letters {dead}")
        return Seen(what="lag 0, waiting retries 0, dead letters 1 (the bad input)")

    await play.verify("Nothing stood twice, nobody was mailed", "the sandbox's own counts", nothing_twice)
    await play.verify("No student left the booking system", "searched calendars and topics", no_student)
    await play.verify("Nothing is left undone", "as `impact-calendar status` tells", nothing_left)


SCENES = (
    Scene(
        title="Killed", told="40 appointments are on their way when two workers are killed with -9; they are started again.", act=_killed
    ),
    Scene(
        title="Revoked",
        told="Dmitri withdraws his consent at Microsoft, and then Aqua Fitness moves.",
        act=_revoked,
    ),
    Scene(title="Reconnected", told="Dmitri connects again.", act=_reconnected),
    Scene(title="Looked over", told="All that was done, taken together.", act=_looked_over),
)
