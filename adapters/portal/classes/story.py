"""A class's timeline as its templates take it: how far it came for each provider, and every step by day in the reader's zone. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from adapters.portal.classes.entries import MARK_WORDS, beside_mark
from adapters.read_model.views import HIDE, EntryMark, Mark, Stage, Timeline, TimelineStep, Tone

__all__ = ["Journey", "Milestone", "Story", "StoryDay", "StoryStep", "story_of"]

_STAGE_WORDS = {Stage.EVENT: "Class event", Stage.INTENT: "Intent", Stage.OUTCOME: "Attempt"}
_MARK_TONES = {
    Mark.SYNCED: Tone.GOOD,
    Mark.WAITING: Tone.WAITING,
    Mark.FAILED: Tone.BAD,
    Mark.NOT_CONNECTED: Tone.NEUTRAL,
    Mark.NONE: Tone.NEUTRAL,
}


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """`reached` False: it did not come to this. `at`: UTC, where a moment can be named."""

    label: str
    words: str
    reached: bool
    tone: Tone = Tone.NEUTRAL
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Journey:
    """One provider's: class event -> intent -> attempts -> on the calendar. `answer`: what is to be said beside the mark's words."""

    mark: EntryMark
    question: str
    answer: str
    milestones: tuple[Milestone, ...]


@dataclass(frozen=True, kw_only=True)
class StoryStep:
    """`clock`: `09:30:12` in the reader's zone. `label`: of the stage."""

    step: TimelineStep
    clock: str
    label: str


@dataclass(frozen=True, kw_only=True)
class StoryDay:
    day: date
    heading: str
    steps: tuple[StoryStep, ...]


@dataclass(frozen=True, kw_only=True)
class Story:
    timeline: Timeline
    journeys: tuple[Journey, ...]
    days: tuple[StoryDay, ...]
    zone: str


def story_of(timeline: Timeline, zone: str, *, own: bool) -> Story:
    """`own`: the reader is the provider, who is spoken to as you."""
    return Story(
        timeline=timeline,
        journeys=tuple(_journey(timeline, mark, own=own) for mark in timeline.marks),
        days=_days(timeline.steps, ZoneInfo(zone)),
        zone=zone,
    )


def _days(steps: Iterable[TimelineStep], zone: ZoneInfo) -> tuple[StoryDay, ...]:
    local = ((step.at.astimezone(zone), step) for step in steps)
    return tuple(
        StoryDay(
            day=day,
            heading=f"{day:%A}, {day.day} {day:%B} {day.year}",
            steps=tuple(StoryStep(step=step, clock=f"{at:%H:%M:%S}", label=_STAGE_WORDS[step.stage]) for at, step in group),
        )
        for day, group in groupby(local, key=lambda pair: pair[0].date())
    )


def _journey(timeline: Timeline, mark: EntryMark, *, own: bool) -> Journey:
    whose = "your calendar" if own else f"the calendar of {mark.provider_id}"
    mine = [step for step in timeline.steps if step.provider_id in (None, mark.provider_id)]
    intent = _last(mine, Stage.INTENT)
    since = 0 if intent is None else intent.revision
    tries = [step for step in mine if step.stage is Stage.OUTCOME and step.revision >= since]
    return Journey(
        mark=mark,
        question=f"Why is this {'' if mark.mark is Mark.SYNCED else 'not '}on {whose}?",
        answer=beside_mark(mark),
        milestones=(_event(_last(mine, Stage.EVENT)), _intent(intent), _attempts(tries), _arrival(mark, tries)),
    )


def _last(steps: Sequence[TimelineStep], stage: Stage) -> TimelineStep | None:
    return next((step for step in reversed(steps) if step.stage is stage), None)


def _event(step: TimelineStep | None) -> Milestone:
    if step is None:
        return Milestone(label="Class event", words="None came", reached=False)
    return Milestone(label="Class event", words=f"Version {step.revision}", reached=True, at=step.at)


def _intent(step: TimelineStep | None) -> Milestone:
    if step is None:
        return Milestone(label="Intent", words="Nothing to show", reached=False)
    return Milestone(label="Intent", words="Not to be shown" if step.kind == HIDE else "To be shown", reached=True, at=step.at)


def _attempts(steps: Sequence[TimelineStep]) -> Milestone:
    if not steps:
        return Milestone(label="Attempts", words="None yet", reached=False)
    count, last = max(step.attempt or 1 for step in steps), steps[-1]
    return Milestone(label="Attempts", words="1 attempt" if count == 1 else f"{count} attempts", reached=True, tone=last.tone, at=last.at)


def _arrival(mark: EntryMark, tries: Sequence[TimelineStep]) -> Milestone:
    good = next((step.at for step in reversed(tries) if step.tone is Tone.GOOD), None)
    synced = mark.mark is Mark.SYNCED
    return Milestone(
        label="Calendar", words=MARK_WORDS[mark.mark], reached=synced, tone=_MARK_TONES[mark.mark], at=good if synced else None
    )
