"""A month of 5,000 classes: right, and measured (the numbers are printed, nothing is asserted of time)."""

import time
from collections.abc import Callable
from datetime import date
from statistics import median

import pytest

from adapters.portal.classes.addresses import CALENDAR, LIVE_CALENDAR
from adapters.read_model.views import ClassCard, ClassQuery
from tests.integration.portal_classes.html import Page
from tests.integration.portal_classes.month import PROVIDERS, fill
from tests.integration.portal_classes.world import World

COUNT = 5_000


async def test_a_month_of_thousands_is_whole_and_its_pages_small(world: World, record_property: Callable[[str, object], None]) -> None:
    await fill(world, COUNT)
    async with world.browser("boss", administrator=True, zone="Europe/Berlin") as browser:
        found = Page((await browser.get(CALENDAR)).text)
        shown = len(found.classes)
        more = sum(int(element.text.split()[0]) for element in found.of_class("more"))
        assert shown + more >= COUNT  # classes over midnight stand on two days
        assert shown <= 31 * 4
        for address in (CALENDAR, LIVE_CALENDAR, f"{CALENDAR}?view=week", f"{CALENDAR}?view=day", f"{CALENDAR}?provider={PROVIDERS[0]}"):
            taken = []
            for _ in range(5):
                start = time.perf_counter()
                answer = await browser.get(address)
                taken.append((time.perf_counter() - start) * 1000)
            record_property(address, f"{median(taken):.0f} ms")
            print(f"{address}: {median(taken):.0f} ms, {len(answer.content) / 1024:.0f} KiB")  # noqa: T201 - read with -s


@pytest.mark.parametrize("who", PROVIDERS[:2])
async def test_of_a_full_month_each_provider_is_shown_the_own_classes(world: World, who: str) -> None:
    await fill(world, 400)
    async with world.browser(who, zone="Europe/Berlin") as browser:
        seen: set[str] = set()
        for day in range(1, 32):
            seen.update(Page((await browser.get(f"{CALENDAR}?view=day&on=2027-03-{day:02d}")).text).classes)
    assert seen == {card.class_id for card in await _all(world) if who in card.provider_ids}
    assert 0 < len(seen) < 400


async def _all(world: World) -> list[ClassCard]:
    return await world.read_model.classes(ClassQuery(first_day=date(2027, 3, 1), last_day=date(2027, 3, 31)))
