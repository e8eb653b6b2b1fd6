"""Random histories of many classes as they would stand in `booking.class-events.v1`: seeded, so that a failure can be run again.

Every kind of event, in each class's order and the classes mixed; repeats, late versions, gaps, both content modes, fields that nobody
knows yet, times around changes of the clocks, and lines that break the contract. Students have ids that can be searched for.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.support.bad_lines import BAD_LINES
from tests.support.random_classes import SECRET, RandomClass

__all__ = ["SECRET", "History", "Line", "random_history"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A record to publish. `expect` is what the fold makes of it: `next`, `gap`, `repeat`, or the code of its dead letter."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    expect: str


@dataclass(frozen=True, kw_only=True)
class History:
    """Lines in publishing order. `classes` and `providers` are the ids that may appear."""

    lines: tuple[Line, ...]
    classes: tuple[str, ...]
    providers: tuple[str, ...]

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    @property
    def expected(self) -> Counter[str]:
        """How many lines are expected to be what."""
        return Counter(line.expect for line in self.lines)

    @property
    def bad(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.expect not in ("next", "gap", "repeat"))


def random_history(
    seed: int,
    now: datetime,
    *,
    classes: int = 20,
    providers: int = 5,
    events_per_class: tuple[int, int] = (1, 16),
    prefix: str = "",
    bad_rate: float = 0.05,
) -> History:
    """The history of `seed`. Classes are from two days after `now` (UTC, aware) on; events happened in the days before it.

    `bad_rate`: bad lines for each good one. `prefix` stands before every class and provider id.
    """
    rng = random.Random(seed)
    provider_ids = tuple(f"{prefix}provider-{number:03d}" for number in range(providers))
    class_ids = tuple(f"{prefix}class-{number:04d}" for number in range(classes))
    waiting = {
        class_id: list(_lines_of(random.Random(rng.random()), class_id, provider_ids, now, events_per_class, bad_rate))
        for class_id in class_ids
    }
    turns = [class_id for class_id, lines in waiting.items() for _ in lines]
    rng.shuffle(turns)
    feeds = {class_id: iter(lines) for class_id, lines in waiting.items()}
    return History(lines=tuple(next(feeds[class_id]) for class_id in turns), classes=class_ids, providers=provider_ids)


def _lines_of(
    rng: random.Random, class_id: str, providers: tuple[str, ...], now: datetime, count: tuple[int, int], bad_rate: float
) -> Iterator[Line]:
    """One class's lines. A bad line and a late one say something that would show, had they been folded."""
    source = RandomClass(rng=rng, class_id=class_id, providers=providers, today=now.date())
    happened_at = now - timedelta(days=3) + timedelta(seconds=rng.randrange(3600))
    version, published = 0, list[Line]()
    for number in range(rng.randint(*count)):
        happened_at += timedelta(seconds=rng.randrange(7200))
        if rng.random() < bad_rate:
            yield _bad(rng, _envelope(source, version + 1, f"{class_id}-bad-{number}", happened_at))
        skipped = rng.choice((0,) * 14 + (1, 3))
        version += 1 + skipped
        line = _good(rng, _envelope(source, version, f"{class_id}-{number}", happened_at), "gap" if skipped else "next")
        published.append(line)
        yield line
        if rng.random() < 0.1:
            again = rng.choice(published)
            yield Line(key=again.key, value=again.value, headers=again.headers, expect="repeat")
        if rng.random() < 0.07:
            yield _good(rng, _envelope(source, rng.randint(1, version), f"{class_id}-late-{number}", happened_at), "repeat")


def _envelope(source: RandomClass, version: int, event_id: str, happened_at: datetime) -> dict[str, Any]:
    event_type, data = source.event(first=version == 1)
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/impact-feedback/booking",
        "type": f"com.impactfeedback.booking.{event_type}.v1",
        "subject": source.class_id,
        "time": happened_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"class_id": source.class_id, "version": version} | data,
    }
    for optional in ("subject", "time", "datacontenttype"):
        if source.rng.random() < 0.1:
            del envelope[optional]
    return envelope


def _good(rng: random.Random, envelope: dict[str, Any], expect: str) -> Line:
    key = envelope["data"]["class_id"].encode()
    mode = rng.random()
    if mode < 0.2:
        attributes = {name: value for name, value in envelope.items() if name not in ("data", "datacontenttype")}
        headers = (("content-type", b"application/json"), *((f"ce_{name}", value.encode()) for name, value in attributes.items()))
        return Line(key=key, value=_json(envelope["data"]), headers=headers, expect=expect)
    headers = () if mode < 0.3 else (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
    return Line(key=key, value=_json(envelope), headers=headers, expect=expect)


def _bad(rng: random.Random, envelope: dict[str, Any]) -> Line:
    code, spoil = rng.choice(BAD_LINES)
    key, value, headers = spoil(envelope)
    return Line(key=key, value=value, headers=headers, expect=code)


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
