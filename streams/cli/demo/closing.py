"""The last scene: a look over everything."""

import json
from collections import Counter

from streams.cli.demo.cast import ASHA, CHIARA, PROVIDERS, Lesson
from streams.cli.demo.checks import NotYetError, Probe, Seen
from streams.cli.demo.scene import Play, Scene
from streams.cli.errors import CommandError

__all__ = ["SCENES"]

#: Graph allows this many requests of one application to one mailbox at once.
_PER_MAILBOX = 4
_ADMINISTRATORS = "administrators"


async def _looked_over(play: Play) -> None:
    await play.verify("An administrator sees everybody's classes", "the classes view of one day", await _who_sees_what(play))
    await play.verify("Nothing stood twice, nobody was mailed", "the sandbox's own counts", _nothing_twice(play))
    await play.verify("No student left the booking system", "searched calendars and topics", _no_student(play))
    await play.verify("Nothing is left undone", "as `impact-calendar status` tells", _nothing_left(play))


async def _who_sees_what(play: Play) -> Probe:
    """On the first day with appointments of everybody."""
    person = next((person for person in await play.services.people() if _ADMINISTRATORS in person.groups), None)
    if person is None:
        raise CommandError("the sandbox knows no administrator")
    administrator = await play.portal.visit(person.email)
    day = play.timetable.training[0].starts_at.date()
    lessons = [lesson for lesson in play.timetable.training if lesson.starts_at.date() == day]
    wanted = {lesson.class_id: "not_connected" if lesson.provider is CHIARA else "synced" for lesson in lessons}
    own = {lesson.class_id for lesson in lessons if lesson.provider is ASHA}

    async def probe() -> Seen:
        all_of_them = {class_id: mark.name for class_id, mark in (await administrator.marks(day)).items()}
        if all_of_them != wanted:
            raise NotYetError(f"{person.name} sees {dict(Counter(all_of_them.values()))}")
        if set(await play.visitors[ASHA].marks(day)) != own:
            raise NotYetError(f"{ASHA.name} sees other classes than her own")
        counts = Counter(wanted.values())
        marks = f"{counts['synced']} on a calendar, {counts['not_connected']} of {CHIARA.name}'s not connected"
        return Seen(what=f"{person.name}, administrator: {len(wanted)} classes, {marks}\n{ASHA.name}: {len(own)} classes, all her own")

    return probe


def _nothing_twice(play: Play) -> Probe:
    async def probe() -> Seen:
        stats = await play.services.stats()
        if stats.duplicates or stats.notifications or stats.max_concurrency > _PER_MAILBOX:
            raise NotYetError(
                f"{stats.duplicates} duplicates, {stats.notifications} notifications, {stats.max_concurrency} calls at once for a mailbox"
            )
        return Seen(what=f"{stats.standing} events stand; duplicates 0, mails to anybody 0, at most {stats.max_concurrency} calls at once")

    return probe


def _no_student(play: Play) -> Probe:
    async def probe() -> Seen:
        lessons = [lesson for lesson in vars(play.timetable).values() if isinstance(lesson, Lesson)] + list(play.timetable.training)
        students = [student for lesson in lessons for student in lesson.student_ids]
        calendars = [await play.services.events(provider.service, provider.email) for provider in PROVIDERS]
        shown = json.dumps([event.raw for events in calendars for event in events])
        if any(student in shown or play.audit.mentions(student) for student in students):
            raise NotYetError("a student was found")
        return Seen(what=f"none of {len(students)} students in a calendar, an intent, an outcome or a status")

    return probe


def _nothing_left(play: Play) -> Probe:
    async def probe() -> Seen:
        report = await play.report()
        lag = sum(topic.lag for group in report.groups for topic in group.topics)
        dead = sum(report.dead_letters.values())
        if lag or dead != 1:
            raise NotYetError(f"lag {lag}, dead letters {dead}")
        return Seen(what="lag 0, waiting retries 0, dead letters 1 (the bad input)")

    return probe


SCENES = (Scene(title="Looked over", told="All that was done, taken together.", act=_looked_over),)
