"""Scenes in which a calendar service, the input or the provider gets in the way."""

import json
from datetime import UTC, datetime, timedelta

from schemas.connections import Service
from schemas.envelope import encode_event
from schemas.outcomes import OutcomeKind
from streams.cli.demo.cast import ASHA, BRUNO, CHIARA, DMITRI, Lesson
from streams.cli.demo.checks import NotYetError, Seen
from streams.cli.demo.scene import Play, Scene

__all__ = ["SCENES"]

_RETRY_AFTER = 2.0


async def _throttled(play: Play) -> None:
    cycling = play.timetable.cycling
    await play.services.fail(Service.GOOGLE, CHIARA.email, kind="status", status=429, operation="create", retry_after=_RETRY_AFTER, times=1)
    await play.booking.publish(cycling.scheduled(), cycling.student_added())

    async def waited() -> Seen:
        await play.the_event(cycling, CHIARA)
        why = play.why(cycling, CHIARA, OutcomeKind.CREATED)
        refused, *later = [call for call in await play.services.calls(CHIARA.service, CHIARA.email) if call.operation == "create"]
        if refused.status != 429 or not later:
            raise NotYetError(f"Google answered {refused.status}, and was called {len(later)} times after")
        pause = later[0].time - refused.time
        if pause < _RETRY_AFTER:
            raise NotYetError(f"Google was called again after {pause:.1f} s")
        return Seen(what=f"{CHIARA}: stands once; asked for {_RETRY_AFTER:.0f} s of rest, called again after {pause:.1f} s", why=why)

    await play.verify("A throttled call is not repeated too soon", "times of the calls Google got", waited)


async def _answer_lost(play: Play) -> None:
    meditation = play.timetable.meditation
    await play.services.fail(Service.GOOGLE, ASHA.email, kind="drop_after", operation="create", times=1)
    await play.booking.publish(meditation.scheduled(), meditation.student_added())
    await play.verify("A lost answer makes no second event", "events on the calendar: 1", play.shown(meditation, OutcomeKind.CREATED))


async def _error_after_work(play: Play) -> None:
    barre = play.timetable.barre
    await play.services.fail(Service.MICROSOFT, BRUNO.email, kind="status", status=503, operation="create", keep_work=True, times=1)
    await play.booking.publish(barre.scheduled(), barre.student_added())
    await play.verify("A false failure makes no second event", "events on the calendar: 1", play.shown(barre, OutcomeKind.CREATED))


async def _bad_input(play: Play) -> None:
    boxing = play.timetable.boxing
    bad = _ending_before_its_start(boxing)
    await play.booking.publish_raw([(boxing.class_id, bad)])
    await play.booking.publish(boxing.scheduled(), boxing.student_added())

    async def dead_lettered() -> Seen:
        letter = play.audit.dead_letter(boxing.class_id)
        if letter is None or letter.value != bad:
            raise NotYetError("no dead letter" if letter is None else "a dead letter with other bytes")
        if "ends_at" not in letter.reason:
            raise NotYetError(f"the reason names another field: {letter.reason}")
        return Seen(what="The dead letter holds the original bytes and the reason", why=letter.reason)

    await play.verify("Bad input: a dead letter with its reason", "record in the dead-letter topic", dead_lettered)
    await play.verify("What comes after it goes on", "read back from the calendar", play.shown(boxing, OutcomeKind.CREATED))


def _ending_before_its_start(lesson: Lesson) -> bytes:
    """A class.scheduled that the booking system should not have sent; the class itself stays as it is."""
    document = json.loads(encode_event(lesson.scheduled(), id="demo-bad-input", time=datetime.now(UTC)))
    document["data"]["ends_at"] = (lesson.starts_at - timedelta(hours=1)).isoformat()
    return json.dumps(document).encode()


async def _removed_by_hand(play: Play) -> None:
    stretch = play.timetable.stretch
    await play.booking.publish(stretch.scheduled(), stretch.student_added())
    await play.verify("Deep Stretch stands at first", "read back from the calendar", play.shown(stretch, OutcomeKind.CREATED))
    event = await play.the_event(stretch, CHIARA)
    await play.services.remove_by_hand(CHIARA.service, CHIARA.email, event.id)
    await play.booking.publish(stretch.renamed("Deep Stretch with Music"))
    stays_away = play.gone(stretch, CHIARA, OutcomeKind.DISMISSED)
    await play.verify("Removed by hand, it stays away", "absent after a change of title", stays_away)
    await play.booking.publish(stretch.moved(timedelta(minutes=30)))
    await play.verify("A new time brings it back", "read back from the calendar", play.shown(stretch, OutcomeKind.CREATED))


SCENES = (
    Scene(
        title="Google throttles",
        told=f"Google answers 429 with Retry-After: {_RETRY_AFTER:.0f}; the worker does as it is told.",
        act=_throttled,
    ),
    Scene(
        title="An answer is lost",
        told="The connection drops after Google made the event; the worker looks before it tries again.",
        act=_answer_lost,
    ),
    Scene(title="A false failure", told="Microsoft makes the event and answers 503 all the same.", act=_error_after_work),
    Scene(
        title="Bad input", told=f"A class of {DMITRI.name}'s that ends before it starts is published, then the right one.", act=_bad_input
    ),
    Scene(
        title="Removed by hand",
        told="Chiara removes Deep Stretch from her calendar: her wish counts until the time changes.",
        act=_removed_by_hand,
    ),
)
