"""What a calendar event says."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.wording import MAINTAINED_BY, description_lines, shorten, title_of
from schemas.events import Kind, Presence
from schemas.intents import CalendarEntry

ENTRY = CalendarEntry(
    title="Morning yoga",
    kind=Kind.CLASS,
    class_type="Yoga",
    starts_at=datetime(2026, 3, 2, 9),
    ends_at=datetime(2026, 3, 2, 10),
    time_zone="Europe/Paris",
    location="Hall 2",
    presence=Presence.HYBRID,
    url="https://impact.example/c/1",
)


def changed(**changes: Any) -> CalendarEntry:
    return msgspec.structs.replace(ENTRY, **changes)


def test_a_description_says_what_it_is_how_it_is_held_where_to_look_and_who_maintains_it() -> None:
    assert description_lines(ENTRY) == ("Yoga · Class · In person and online", "https://impact.example/c/1", MAINTAINED_BY)


def test_an_appointment_without_a_link_and_a_type_leaves_them_out() -> None:
    entry = changed(kind=Kind.APPOINTMENT, class_type=" ", url=None, presence=Presence.ONLINE)
    assert description_lines(entry) == ("Appointment · Online", MAINTAINED_BY)


@pytest.mark.parametrize(
    ("title", "class_type", "shown"),
    [
        ("A\nB\t C", "Yoga", "A B C"),
        ("  ", "Yoga", "Yoga"),
        ("", "", "Class"),
        ("الصباح 🧘🏽", "", "الصباح 🧘🏽"),
        ("\x00Yo\x07ga\x1b[0m\ufffe", "", "Yo ga [0m"),
    ],
)
def test_a_title_is_one_line_and_never_empty(title: str, class_type: str, shown: str) -> None:
    assert title_of(changed(title=title, class_type=class_type)) == shown


def test_a_description_holds_no_control_character() -> None:
    lines = description_lines(changed(class_type="Yo\x08ga", url="https://impact.example/c/1\x00\r\nBcc: all"))
    assert lines == ("Yo ga · Class · In person and online", "https://impact.example/c/1 Bcc: all", MAINTAINED_BY)


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("ab cdef", 4, "ab…"),
        ("🙂🙂🙂", 6, "🙂🙂🙂"),
        ("🙂🙂🙂", 5, "🙂🙂…"),
        ("🙂🙂🙂", 4, "🙂…"),
        ("e\u0301e\u0301e\u0301", 4, "e\u0301…"),
        ("ab👩\u200d👧cd", 8, "ab👩\u200d👧…"),
        ("ab👩\u200d👧cd", 7, "ab…"),
        ("ab👍🏽cd", 6, "ab…"),
    ],
)
def test_a_long_text_is_cut_between_whole_characters(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@given(text=st.text(), limit=st.integers(1, 40))
def test_a_shortened_text_always_fits_and_begins_as_the_text_does(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short.encode("utf-16-le", "surrogatepass")) // 2 <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))
