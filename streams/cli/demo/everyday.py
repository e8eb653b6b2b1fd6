"""Scenes in which all is well: what each kind of change does to the calendars."""

from datetime import timedelta

from schemas.outcomes import OutcomeKind
from streams.cli.demo.cast import ASHA, BRUNO
from streams.cli.demo.checks import NotYetError, Seen
from streams.cli.demo.scene import Play, Scene, when

__all__ = ["SCENES"]

_READ_BACK = "read back from the calendar"
_MARK = "mark in the portal's classes view"


async def _booked(play: Play) -> None:
    yoga, pilates = play.timetable.yoga, play.timetable.pilates
    for lesson in (yoga, pilates):
        await play.booking.publish(lesson.scheduled())
    await play.verify("A class without students is marked so", _MARK, play.marked(yoga, ASHA, "none"))
    for lesson in (yoga, pilates):
        await play.booking.publish(lesson.student_added())
    await play.verify("Booked, it stands on a Google calendar", _READ_BACK, play.shown(yoga, OutcomeKind.CREATED))
    await play.verify("Booked, it stands on a Microsoft calendar", _READ_BACK, play.shown(pilates, OutcomeKind.CREATED))
    await play.verify("It is marked as on the calendar", _MARK, play.marked(yoga, ASHA, "synced"))


async def _second_student(play: Play) -> None:
    yoga = play.timetable.yoga
    calls, intents = len(await play.services.calls(ASHA.service, ASHA.email)), play.audit.intents_of(yoga.class_id)
    await play.booking.publish(yoga.student_added())

    async def nothing_happened() -> Seen:
        report = await play.report()
        if lag := sum(topic.lag for group in report.groups for topic in group.topics):
            raise NotYetError(f"{lag} records are not read yet")
        await play.the_event(yoga, ASHA)
        now = len(await play.services.calls(ASHA.service, ASHA.email)), play.audit.intents_of(yoga.class_id)
        if now != (calls, intents):
            raise NotYetError(f"{now[0] - calls} calls to Google and {now[1] - intents} intents more than before")
        return Seen(what="Everything is read; no intent came of it, and Google was not called", why="booked before, booked after")

    await play.verify("A second student changes nothing", "no intent, no call; all is read", nothing_happened)


async def _moved(play: Play) -> None:
    yoga, pilates = play.timetable.yoga, play.timetable.pilates
    for lesson, by in ((yoga, timedelta(hours=1, minutes=30)), (pilates, timedelta(days=1))):
        event = await play.the_event(lesson, lesson.provider)
        before = when(lesson.starts_at, lesson.ends_at)
        await play.booking.publish(lesson.moved(by))

        async def same_event_moved(lesson=lesson, event=event, before=before) -> Seen:  # type: ignore[no-untyped-def]
            now = await play.the_event(lesson, lesson.provider)
            if now.id != event.id:
                raise NotYetError("another event stands in its place")
            after = when(now.start_local, now.end_local)
            why = play.why(lesson, lesson.provider, OutcomeKind.UPDATED)
            return Seen(what=f"{lesson.provider}: {before} → {after} · {now.title}", why=why)

        await play.verify(f"{lesson.title} moves, as the same event", "same event id, new wall time", same_event_moved)


async def _place(play: Play) -> None:
    yoga = play.timetable.yoga
    await play.booking.publish(yoga.relocated("Garden Terrace"))
    await play.verify("A new place is shown", _READ_BACK, play.shown(yoga, OutcomeKind.UPDATED))


async def _reassigned(play: Play) -> None:
    yoga = play.timetable.yoga
    await play.booking.publish(yoga.reassigned(BRUNO))
    await play.verify("The new provider has the class", _READ_BACK, play.shown(yoga, OutcomeKind.CREATED))
    await play.verify("The former provider has it no more", _READ_BACK, play.gone(yoga, ASHA, OutcomeKind.DELETED))


async def _cancelled(play: Play) -> None:
    pilates = play.timetable.pilates
    await play.booking.publish(pilates.cancelled())
    await play.verify("A cancelled class is gone", _READ_BACK, play.gone(pilates, BRUNO, OutcomeKind.DELETED))


SCENES = (
    Scene(title="Booked", told="Two classes are scheduled and get their first student, so they go on a calendar.", act=_booked),
    Scene(
        title="A second student", told="Vinyasa Yoga was booked before and is booked now: nobody's calendar changes.", act=_second_student
    ),
    Scene(title="Moved", told="One class moves to another time, one to another day; wall times, whatever the clocks do.", act=_moved),
    Scene(title="Another place", told="Vinyasa Yoga moves out to the garden.", act=_place),
    Scene(title="Reassigned", told="Bruno takes over Vinyasa Yoga from Asha: from Google to Microsoft.", act=_reassigned),
    Scene(title="Cancelled", told="Reformer Pilates is cancelled.", act=_cancelled),
)
