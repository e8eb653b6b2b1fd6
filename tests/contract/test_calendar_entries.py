"""What an entry may hold: any zone, any text, any identifier; over the fakes and over both real adapters."""

from datetime import UTC, datetime

import pytest

from adapters.ports import RemoteEvent
from adapters.wording import MAINTAINED_BY
from tests.contract.backends import Backend
from tests.contract.samples import ENTRY, MARK, entry, mark

#: zone, start and end in wall time, the same in UTC
WALL_TIMES = {
    "half-hour": "Asia/Kolkata 2026-03-02T09:30 2026-03-02T10:30 2026-03-02T04:00 2026-03-02T05:00",
    "quarter-hour": "Asia/Kathmandu 2026-03-02T09:30 2026-03-02T10:30 2026-03-02T03:45 2026-03-02T04:45",
    "casablanca-in-ramadan": "Africa/Casablanca 2026-03-10T09:30 2026-03-10T10:30 2026-03-10T09:30 2026-03-10T10:30",
    "casablanca-in-summer": "Africa/Casablanca 2026-06-10T09:30 2026-06-10T10:30 2026-06-10T08:30 2026-06-10T09:30",
    "day-before-the-change": "Europe/Paris 2026-03-28T09:30 2026-03-28T10:30 2026-03-28T08:30 2026-03-28T09:30",
    "day-after-the-change": "Europe/Paris 2026-03-30T09:30 2026-03-30T10:30 2026-03-30T07:30 2026-03-30T08:30",
    "twice-means-the-first": "Europe/Paris 2026-10-25T02:30 2026-10-25T04:00 2026-10-25T00:30 2026-10-25T03:00",
    "both-ends-twice": "America/New_York 2026-11-01T01:10 2026-11-01T01:50 2026-11-01T05:10 2026-11-01T05:50",
    "skipped-moves-forward": "Europe/Paris 2026-03-29T02:30 2026-03-29T04:00 2026-03-29T01:30 2026-03-29T02:00",
    "skipped-past-its-end": "Europe/Paris 2026-03-29T02:15 2026-03-29T03:00 2026-03-29T01:15 2026-03-29T02:00",
    "skipped-onto-its-end": "Europe/Paris 2026-03-29T02:30 2026-03-29T03:30 2026-03-29T01:30 2026-03-29T02:30",
    "half-hour-change": "Australia/Lord_Howe 2026-04-05T01:45 2026-04-05T03:00 2026-04-04T14:45 2026-04-04T16:30",
    "over-midnight": "America/Argentina/Ushuaia 2026-03-02T23:30 2026-03-03T00:30 2026-03-03T02:30 2026-03-03T03:30",
    "furthest-east": "Pacific/Kiritimati 2026-01-01T00:00 2026-01-02T00:00 2025-12-31T10:00 2026-01-01T10:00",
}


@pytest.mark.parametrize("line", WALL_TIMES.values(), ids=WALL_TIMES)
async def test_a_wall_time_in_any_zone_stands_at_its_instant(backend: Backend, line: str) -> None:
    zone, starts_at, ends_at, start_utc, end_utc = line.split()
    when = entry(time_zone=zone, starts_at=datetime.fromisoformat(starts_at), ends_at=datetime.fromisoformat(ends_at))
    expected = (datetime.fromisoformat(start_utc + "+00:00"), datetime.fromisoformat(end_utc + "+00:00"))
    token = await backend.access_token()
    made = await backend.calendar.create(token, when, MARK)
    assert [(seen.start_utc, seen.end_utc) for seen in await backend.seen()] == [expected]
    await backend.calendar.update(token, made.remote_id, ENTRY, mark(revision=4))
    await backend.calendar.update(token, made.remote_id, when, mark(revision=5))
    assert [(seen.start_utc, seen.end_utc) for seen in await backend.seen()] == [expected]


@pytest.mark.parametrize(
    "text",
    ["Été à l'école «Zürich» №1", "يوغا الصباح", "朝のヨガ 🧘🏽‍♀️👩‍👩‍👧", 'a "quoted" & <b>bold</b> %2B {x} \\ title', "x" * 200],
    ids=["latin", "arabic", "emoji", "markup", "long"],
)  # fmt: skip
async def test_titles_and_places_come_through_as_they_are(backend: Backend, text: str) -> None:
    await backend.calendar.create(await backend.access_token(), entry(title=text, location=text), MARK)
    assert [(seen.title, seen.location) for seen in await backend.seen()] == [(text, text)]


@pytest.mark.parametrize("text", ["x" * 30_000, "🧘" * 20_000], ids=["ascii", "astral"])
async def test_texts_beyond_the_services_limits_are_shortened_not_refused(backend: Backend, text: str) -> None:
    token = await backend.access_token()
    long = entry(title=text, location=text, class_type=text)
    made = await backend.calendar.create(token, long, MARK)
    await backend.calendar.update(token, made.remote_id, long, mark(revision=4))
    [seen] = await backend.seen()
    for shown in (seen.title, seen.location):
        assert len(shown.encode("utf-16-le")) // 2 <= backend.title_limit
        assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]) and len(shown) > 100)
    assert seen.description.rstrip().endswith(MAINTAINED_BY)


async def test_a_class_without_length_stands(backend: Backend) -> None:
    await backend.calendar.create(await backend.access_token(), entry(ends_at=ENTRY.starts_at), MARK)
    [seen] = await backend.seen()
    assert seen.start_utc == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def test_long_and_unusual_identifiers_are_fine(backend: Backend) -> None:
    token = await backend.access_token()
    odd = mark(provider_id="é/'" * 80, class_id="類=&" * 80, grant_id="g" * 256, revision=2**53, generation=12)
    made = await backend.calendar.create(token, ENTRY, odd)
    assert await backend.calendar.find(token, odd) == made == RemoteEvent(remote_id=made.remote_id, revision=2**53, generation=12)
