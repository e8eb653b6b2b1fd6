"""From rows to views. Pure; `now` is passed in."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from adapters.read_model.facts import StepFacts, card_facts, event_facts, intent_facts, outcome_facts, step_facts
from adapters.read_model.marks import EntryState, MarkReason, mark_of
from adapters.read_model.reasons import explain
from adapters.read_model.views import BookedStatus, ClassCard, EntryCount, EntryMark, Mark, Stage, TimelineStep, Tone
from adapters.read_model.wording import event_words, intent_words, mark_words, outcome_words
from schemas.connections import ConnectionState, Service
from schemas.outcomes import OutcomeKind

__all__ = ["PROVIDER", "card_of", "cards_of", "entry_mark", "step_of", "tally"]

#: Columns of a class in a row; those of an entry follow, its provider_id first.
_CARD = PROVIDER = 4

#: provider_id -> state and service of the provider's connection, as they stand in the database.
Connected = Mapping[str, tuple[str, str]]

_facts = lru_cache(maxsize=10_000)(card_facts)  # a page that is open asks for the same month again and again
_WHENEVER = datetime.min.replace(tzinfo=UTC)
_STATUSES = {member.value: member for member in BookedStatus}
_OUTCOMES: dict[str | None, OutcomeKind | None] = {None: None} | {member.value: member for member in OutcomeKind}
_SERVICES: dict[str | None, Service | None] = {None: None} | {member.value: member for member in Service}
_STATES: dict[str | None, ConnectionState | None] = {None: None} | {member.value: member for member in ConnectionState}


def cards_of(rows: Iterable[Any], connected: Connected, now: datetime, restriction: str | None) -> list[ClassCard]:
    """`rows`: as `selects.cards` gives them, those of a class one after another. Few of them differ in what their mark depends on."""
    cards: list[ClassCard] = []
    alike: dict[Any, EntryMark] = {}
    marks: dict[str, EntryMark] = {}
    card: Any = None
    for row in rows:
        if card is not None and row[0] != card[0]:
            cards.append(card_of(card, marks, now, restriction))
            marks = {}
        card = row
        entry = row[_CARD:]
        if entry[0] is not None:
            mark = alike.get(entry)
            if mark is None:
                mark = alike[entry] = _short_mark(entry, connected, now)
            marks[entry[0]] = mark
    if card is not None:
        cards.append(card_of(card, marks, now, restriction))
    return cards


def _short_mark(entry: Sequence[Any], connected: Connected, now: datetime) -> EntryMark:
    provider_id, wanted, heard, standing, kind, why, where, next_try_at, ended = entry
    state, service = connected.get(provider_id, (None, None))
    return entry_mark((provider_id, bool(wanted), 1, bool(standing), kind, int(heard), why, where, next_try_at, state, service, ended), now)


def entry_mark(row: Sequence[Any], now: datetime) -> EntryMark:
    """`row`: the columns of `selects.marks_of_class`, in their order."""
    provider_id, wanted, revision, standing, kind, heard, why, where, next_try_at, state, service, ended = row
    entry = EntryState(
        wanted=wanted,
        revision=revision,
        standing=standing,
        outcome_kind=_OUTCOMES[kind],
        outcome_revision=heard,
        outcome_reason=why,
        outcome_service=_SERVICES[where],
    )
    mark, reason = mark_of(entry, _STATES[state], ended=bool(ended), service=_SERVICES[service])
    if mark is not Mark.WAITING or reason != why:
        next_try_at = None
    return _mark(provider_id, mark, reason, entry.outcome_service or _SERVICES[service], next_try_at, now)


def _mark(
    provider_id: str, mark: Mark, reason: str | None, service: Service | None, next_try_at: datetime | None, now: datetime
) -> EntryMark:
    words = mark_words(mark, reason, service=service, next_try_at=next_try_at, now=now)
    return EntryMark(provider_id=provider_id, mark=mark, reason=reason, words=words, next_try_at=next_try_at, service=service)


def card_of(row: Sequence[Any], marks: dict[str, EntryMark], now: datetime, restriction: str | None) -> ClassCard:
    """`row`: the columns of `selects.card`, and what else follows. A restricted reader gets their own mark only."""
    class_id, card, status, count = row[:_CARD]
    facts = _facts(card)
    booked = _STATUSES[status]
    shown = facts.provider_ids if restriction is None else (restriction,)
    return ClassCard(
        class_id=class_id,
        kind=facts.kind,
        class_type=facts.class_type,
        title=facts.title,
        starts_at=facts.starts_at,
        ends_at=facts.ends_at,
        time_zone=facts.time_zone,
        location=facts.location,
        presence=facts.presence,
        url=facts.url,
        status=booked,
        student_count=count,
        provider_ids=facts.provider_ids,
        marks=tuple([_card_mark(provider_id, marks.get(provider_id), booked, now) for provider_id in shown]),
    )


def _card_mark(provider_id: str, mark: EntryMark | None, status: BookedStatus, now: datetime) -> EntryMark:
    """What is not booked has nothing on a calendar, and says which of the two it is."""
    if mark is not None and mark.reason != MarkReason.NOT_BOOKED:
        return mark
    if status is BookedStatus.BOOKED:
        # The roster is known before the provider's entry: should not happen; shown as waiting rather than hidden.
        return _mark(provider_id, Mark.WAITING, MarkReason.PENDING, None, None, now)
    return _not_booked(provider_id, MarkReason.CANCELLED if status is BookedStatus.CANCELLED else MarkReason.NOT_BOOKED)


@lru_cache(maxsize=1024)
def _not_booked(provider_id: str, reason: str) -> EntryMark:
    words = mark_words(Mark.NONE, reason, service=None, next_try_at=None, now=_WHENEVER)
    return EntryMark(provider_id=provider_id, mark=Mark.NONE, reason=reason, words=words)


def step_of(stage: str, step: str) -> TimelineStep:
    """Of columns of the table of steps."""
    found = step_facts(step)
    match Stage(stage):
        case Stage.EVENT:
            return _step(Stage.EVENT, found, *event_words(found.kind, event_facts(found.facts)))
        case Stage.INTENT:
            return _step(Stage.INTENT, found, *intent_words(intent_facts(found.facts)))
        case Stage.OUTCOME:
            facts = outcome_facts(found.facts)
            more = {name: getattr(facts, name) for name in ("reason", "attempt", "lane", "service", "next_try_at")}
            return _step(Stage.OUTCOME, found, *outcome_words(OutcomeKind(found.kind), facts), **more)


def _step(stage: Stage, found: StepFacts, words: str, tone: Tone, **more: Any) -> TimelineStep:
    return TimelineStep(
        at=found.at, stage=stage, tone=tone, words=words, revision=found.revision, provider_id=found.provider_id, kind=found.kind, **more
    )


def tally(marked: Iterable[tuple[EntryMark, int]], mark: Mark) -> tuple[EntryCount, ...]:
    """Counts by reason of the entries with one mark, most first."""
    found: dict[str, EntryCount] = {}
    for entry, count in marked:
        if entry.mark is not mark:
            continue
        why = explain(entry.reason, entry.service)
        known = found.get(why)
        if known is None:
            found[why] = EntryCount(reason=why.word, words=str(why), count=count, next_try_at=entry.next_try_at)
        else:
            tries = [at for at in (known.next_try_at, entry.next_try_at) if at is not None]
            found[why] = msgspec.structs.replace(known, count=known.count + count, next_try_at=min(tries, default=None))
    return tuple(sorted(found.values(), key=lambda one: (-one.count, one.reason)))
