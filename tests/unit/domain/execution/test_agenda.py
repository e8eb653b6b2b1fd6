from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from schemas.events import Kind, Presence
from streams.domain.agenda import (
    Agenda,
    Dismissed,
    agenda_key,
    decode_agenda,
    encode_agenda,
    forget_entry_on,
    intent_of,
    is_newer_agenda,
    merge,
    provider_prefix,
)
from streams.domain.entry import content_hash, has_ended, when_and_where
from tests.support.execution import ADA, CLASS_ID, NOW, agenda, applied, creating, entry, intent

EMPTY = agenda()


def test_the_first_intent_says_what_is_desired() -> None:
    desired = merge(EMPTY, intent(3)).desired
    assert desired is not None
    assert (desired.revision, desired.entry, desired.intent_id) == (3, entry(), "intent-3")


def test_a_newer_intent_replaces_what_is_desired_and_nothing_of_what_was_done() -> None:
    before = agenda(intent(1), applied=applied(), generation=4)
    after = merge(before, intent(2, entry(title="Yin")))
    assert after.desired is not None
    assert (after.desired.revision, after.desired.entry) == (2, entry(title="Yin"))
    assert (after.applied, after.generation) == (before.applied, 4)


@pytest.mark.parametrize("revision", [1, 2])
def test_a_repeat_and_a_late_retry_change_nothing(revision: int) -> None:
    before = agenda(intent(2))
    assert merge(before, intent(revision, entry(title="something else"))) is before


def test_a_burst_collapses_into_its_last_state_whatever_the_order() -> None:
    burst = [intent(1), intent(2, None), intent(3, entry(location="Room 9"))]
    assert agenda(*burst) == agenda(*burst[::-1]) == agenda(burst[2], burst[0], burst[1])


def test_the_last_day_outlives_the_entry() -> None:
    assert agenda(intent(1), intent(2, None)).last_day == date(2027, 3, 8)
    assert agenda(intent(1, None)).last_day is None


def test_the_intent_can_be_sent_again_as_it_was() -> None:
    sent = intent(5, occurred_at=NOW)
    assert intent_of(agenda(sent)) == sent
    assert intent_of(agenda(intent(6, None))) == intent(6, None)
    assert intent_of(EMPTY) is None


def test_a_row_comes_back_as_it_was() -> None:
    whole = agenda(
        intent(2, entry(title="日本語 🏊"), occurred_at=NOW),
        applied=applied(),
        creating=creating(),
        dismissed=Dismissed(when_and_where="x"),
        generation=3,
        waiting="not_connected",
    )
    for row in (whole, EMPTY, agenda(intent(1, None))):
        assert decode_agenda(encode_agenda(row)) == row


@pytest.mark.parametrize("row", [b"", b"{}", b'{"provider_id": 1}', b"\x93\x01\x02"])
def test_a_row_of_another_format_stops_the_worker(row: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_agenda(row)


def test_no_provider_id_can_reach_into_the_rows_of_another() -> None:
    ids = ["a", "ab", "a/b", "1:a", "a/", "", "1", "ü", "a" * 12, "3:a/"]
    for one in ids:
        for other in ids:
            belongs = agenda_key(other, "class").startswith(provider_prefix(one))
            assert belongs == (one == other)


def test_every_row_of_a_provider_stands_together() -> None:
    assert agenda_key(ADA, "c1").startswith(provider_prefix(ADA))
    assert agenda_key(ADA, "c1") != agenda_key(ADA, "c2")


def test_the_content_is_everything_that_a_calendar_shows() -> None:
    changes = {
        "title": "Yin",
        "kind": Kind.APPOINTMENT,
        "class_type": "yin",
        "starts_at": datetime(2027, 3, 8, 9),
        "ends_at": datetime(2027, 3, 8, 11),
        "time_zone": "Asia/Kolkata",
        "location": "Room 2",
        "presence": Presence.ONLINE,
        "url": None,
    }
    assert set(changes) == set(entry().__struct_fields__)
    hashes = {content_hash(entry(**{name: value})) for name, value in changes.items()}
    assert len(hashes | {content_hash(entry())}) == len(changes) + 1
    assert content_hash(entry()) == content_hash(entry())


def test_only_date_time_and_place_bring_back_what_was_removed() -> None:
    same = when_and_where(entry())
    for kept in ({"title": "Yin"}, {"class_type": "yin"}, {"url": None}, {"kind": Kind.APPOINTMENT}):
        assert when_and_where(entry(**kept)) == same
    for moved in (
        {"starts_at": datetime(2027, 3, 8, 9)},
        {"ends_at": datetime(2027, 3, 8, 11)},
        {"time_zone": "Asia/Kolkata"},
        {"location": "Room 2"},
        {"presence": Presence.ONLINE},
    ):
        assert when_and_where(entry(**moved)) != same


def test_a_class_has_ended_when_its_end_has_come_in_its_own_zone() -> None:
    end = datetime(2027, 3, 8, 9, 30, tzinfo=UTC)  # 10:30 in Berlin, in winter
    assert has_ended(entry(), end)
    assert not has_ended(entry(), end - timedelta(microseconds=1))
    assert has_ended(entry(time_zone="Asia/Kolkata"), end - timedelta(hours=4))


def test_an_entry_is_forgotten_so_many_days_after_the_last_day_and_one_for_the_zones() -> None:
    today = date(2027, 1, 1)
    assert forget_entry_on(agenda(intent(1)), today, 30) == date(2027, 4, 8)
    assert forget_entry_on(agenda(intent(1), intent(2, None)), today, 30) == date(2027, 4, 8)


def test_an_entry_that_never_had_a_day_goes_by_its_last_intent_or_stays() -> None:
    today = date(2027, 1, 1)
    assert forget_entry_on(agenda(intent(1, None, occurred_at=NOW)), today, 30) == date(2027, 4, 1)
    assert forget_entry_on(agenda(intent(1, None)), today, 30) == date(2027, 2, 1)
    assert forget_entry_on(Agenda(provider_id=ADA, class_id=CLASS_ID), today, 30) > today


def test_a_placeholder_at_the_end_of_time_is_never_forgotten_and_stops_nobody() -> None:
    today = date(2027, 1, 1)
    far = intent(1, entry(starts_at=datetime(9998, 12, 31, 9), ends_at=datetime(9998, 12, 31, 10)))
    assert forget_entry_on(agenda(far), today, 36_500) == date.max
    assert forget_entry_on(agenda(intent(1, None, occurred_at=datetime(9999, 12, 31, tzinfo=UTC))), today, 30) == date.max


def test_an_entry_moved_into_the_past_is_kept_as_if_it_had_ended_on_the_day_of_the_move() -> None:
    """Were it forgotten at once, mending the date would make a second event."""
    past = entry(starts_at=datetime(2007, 3, 8, 9, 30), ends_at=datetime(2007, 3, 8, 10, 30))
    mistyped = agenda(intent(1), intent(2, past, occurred_at=NOW))
    assert forget_entry_on(mistyped, NOW.date(), 30) == NOW.date() + timedelta(days=31)
    assert forget_entry_on(merge(mistyped, intent(3, past, occurred_at=NOW)), NOW.date(), 30) == NOW.date() + timedelta(days=31)
    assert forget_entry_on(merge(mistyped, intent(3)), NOW.date(), 30) == date(2027, 4, 8)
    assert forget_entry_on(agenda(intent(1, past), intent(2, None, occurred_at=NOW)), NOW.date(), 30) == date(2007, 4, 8)


@pytest.mark.parametrize(("revision", "other", "newer"), [(2, 1, True), (1, 2, False), (2, 2, False), (1, None, True), (None, 1, False)])
def test_of_two_rows_the_one_that_wants_a_later_revision_is_newer(revision: int | None, other: int | None, newer: bool) -> None:
    rows = [encode_agenda(agenda(*([intent(each)] if each is not None else []))) for each in (revision, other)]
    assert is_newer_agenda(*rows) is newer


def test_an_entry_is_not_forgotten_before_the_day_that_its_event_may_show() -> None:
    """The class was moved to an earlier day, and the calendar could not be reached: the event has still to be put right."""
    moved_up = entry(starts_at=datetime(2027, 2, 1, 9, 30), ends_at=datetime(2027, 2, 1, 10, 30))
    assert forget_entry_on(agenda(intent(1), intent(2, moved_up)), NOW.date(), 30) == date(2027, 3, 4)
    for stands in ({"applied": applied()}, {"left": (applied(),)}):
        assert forget_entry_on(agenda(intent(1), intent(2, moved_up), **stands), NOW.date(), 30) == date(2027, 4, 8)
