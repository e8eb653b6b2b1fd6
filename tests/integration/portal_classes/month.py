"""A month as a booking system of some size has it: thousands of classes, a dozen providers, every kind of mark."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.events import ClassSnapshotted, Kind, Presence
from schemas.outcomes import OutcomeKind
from tests.integration.portal_classes.world import World

__all__ = ["PROVIDERS", "TITLES", "fill"]

PROVIDERS = tuple(f"user_{name}" for name in ("ada", "ben", "cleo", "dev", "eva", "finn", "gus", "hana", "ivo", "jun", "kim", "lea"))
TITLES = (
    ("Yoga for all", "Yoga"),
    ("Pilates, second level", "Pilates"),
    ("Intake interview", "Assessment"),
    ("Piano lesson", "Music"),
    ("Strong backs", "Fitness"),
    ("Supervision", "Team"),
    ("Swimming for beginners", "Swimming"),
    ("Parents' evening: what the new term brings and how we plan for it", "Team"),
)
_PLACES = ("Room 1", "Room 2, third floor", "Pool", "Main Street 5", "")
_ZONES = ("Europe/Berlin",) * 9 + ("Asia/Kolkata",)
_FATES = (OutcomeKind.CREATED,) * 8 + (OutcomeKind.RETRYING, OutcomeKind.DEAD_LETTERED, None)


async def fill(world: World, count: int, *, year: int = 2027, month: int = 3, seed: int = 7, providers: Sequence[str] = PROVIDERS) -> None:
    """The last provider of `providers` is not connected."""
    rng = random.Random(seed)
    await world.connect(*providers[:-1])
    classes = [_class(rng, index, year, month, providers) for index in range(count)]
    for start in range(0, count, 1000):
        await world.tell(*classes[start : start + 1000], at=world.now - timedelta(hours=3))
    outcomes = []
    for one in classes:
        fate = rng.choice(_FATES)
        if fate is None or not one.student_ids or one.cancelled:
            continue
        more = _details(fate, world)
        outcomes += [world.made(one.class_id, who, fate, **more) for who in one.provider_ids if who != providers[-1]]
    await world.outcomes(*outcomes)


def _details(fate: OutcomeKind, world: World) -> dict[str, object]:
    if fate is OutcomeKind.RETRYING:
        return {"reason": "google: 429 rateLimitExceeded", "next_try_at": world.now + timedelta(minutes=4), "attempt": 2}
    return {"reason": "google: 403 calendarUsageDenied", "attempt": 5} if fate is OutcomeKind.DEAD_LETTERED else {}


def _class(rng: random.Random, index: int, year: int, month: int, providers: Sequence[str]) -> ClassSnapshotted:
    title, class_type = rng.choice(TITLES)
    day = datetime(year, month, 1) + timedelta(days=rng.randrange(31))
    start = day + timedelta(minutes=rng.choice((15, 30, 60)) * rng.randrange(14, 22) + 8 * 60 * rng.randrange(2) + 5 * 60)
    given_by = rng.sample(providers, 2 if rng.random() < 0.08 else 1)
    return ClassSnapshotted(
        class_id=f"class-{index}",
        version=1,
        kind=rng.choice(list(Kind)),
        class_type=class_type,
        title=title,
        starts_at=start,
        ends_at=start + timedelta(minutes=rng.choice((30, 45, 60, 90))),
        time_zone=rng.choice(_ZONES),
        location=rng.choice(_PLACES),
        presence=rng.choice(list(Presence)),
        provider_ids=tuple(given_by),
        student_ids=() if rng.random() < 0.12 else tuple(f"student-{n}" for n in range(rng.randint(1, 9))),
        cancelled=rng.random() < 0.06,
        url=f"https://classes.example/{index}",
    )
