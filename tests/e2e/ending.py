"""A class that is under way, stands on the calendar, and ends while the test looks on."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from schemas.outcomes import Outcome, OutcomeKind
from tests.e2e.booking import ClassStory, ending_in
from tests.e2e.world import Provider, World

__all__ = ["stands_until_over"]


async def stands_until_over(world: World, provider: Provider, story: ClassStory) -> None:
    """The class is told for the first time; it came to stand on the calendar, and has ended since.

    Where it had ended before it could come there, it is given more time.
    """
    for seconds in (6, 12, 24, 48):
        times = ending_in(seconds)
        revision = await (story.reschedule(**times) if story.version else story.book(provider.provider_id, **times))
        done = await world.outcome(provider, partial(_came_to_stand_or_not, story.class_id, revision), what=f"the class of {seconds} s")
        if done.kind is OutcomeKind.CREATED:
            return await _over(world, times)
    raise AssertionError("a class that lasted 48 s more had ended before it stood on the calendar")


def _came_to_stand_or_not(class_id: str, revision: int, outcome: Outcome) -> bool:
    return (outcome.class_id, outcome.revision) == (class_id, revision) and outcome.kind in (OutcomeKind.CREATED, OutcomeKind.SKIPPED)


async def _over(world: World, times: Mapping[str, str]) -> None:
    """Until a class of these times (UTC) has ended."""
    end = datetime.fromisoformat(times["ends_at"]).replace(tzinfo=UTC)

    async def probe() -> bool:
        return datetime.now(UTC) > end

    await world.until(probe, what="the class to end")
