"""The portal's pure parts: sealing, once-only, redirects, words."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.portal.web.once import OnceOnly
from adapters.portal.web.redirects import safe_next
from adapters.portal.web.sealing import Sealer
from adapters.portal.web.words import clause, due, exact, iso, since
from tests.support.portal import TestClock

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
KEY, OTHER = bytes(range(32)), bytes(32)


class Note(msgspec.Struct, frozen=True):
    text: str


@given(st.text(max_size=200))
def test_what_was_sealed_opens_again(text: str) -> None:
    sealer = Sealer([KEY])
    assert sealer.open(sealer.seal(Note(text), purpose="a"), Note, purpose="a") == Note(text)


def test_a_seal_says_nothing_and_differs_each_time() -> None:
    sealer = Sealer([KEY])
    first, second = (sealer.seal(Note("secret"), purpose="a") for _ in range(2))
    assert first != second
    assert "secret" not in first


def test_a_sealed_text_opens_for_its_own_purpose_and_shape_only() -> None:
    class Other(msgspec.Struct, frozen=True):
        number: int

    sealer = Sealer([KEY])
    text = sealer.seal(Note("x"), purpose="a")
    assert sealer.open(text, Note, purpose="b") is None
    assert sealer.open(text, Other, purpose="a") is None


@given(st.text(max_size=300))
def test_nothing_else_opens(text: str) -> None:
    assert Sealer([KEY]).open(text, Note, purpose="a") is None


@given(st.integers(min_value=0), st.sampled_from("AZaz09-_"))
def test_a_changed_text_does_not_open(place: int, letter: str) -> None:
    sealer = Sealer([KEY])
    text = sealer.seal(Note("x" * 20), purpose="a")
    place %= len(text) - 1  # the last letter carries bits that are not part of the box
    changed = text[:place] + letter + text[place + 1 :]
    assert changed == text or sealer.open(changed, Note, purpose="a") is None


def test_a_key_is_replaced_without_losing_what_the_old_one_sealed() -> None:
    old, both, new = Sealer([OTHER]), Sealer([KEY, OTHER]), Sealer([KEY])
    assert both.open(old.seal(Note("x"), purpose="a"), Note, purpose="a") == Note("x")
    assert new.open(both.seal(Note("y"), purpose="a"), Note, purpose="a") == Note("y")
    assert new.open(old.seal(Note("x"), purpose="a"), Note, purpose="a") is None


def test_what_does_not_fit_into_a_cookie_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Sealer([KEY]).seal(Note("x" * 4000), purpose="a")


def test_a_value_works_once_for_as_long_as_it_is_kept() -> None:
    clock = TestClock()
    once = OnceOnly(clock, keep=timedelta(minutes=10))
    assert once.use("a")
    assert not once.use("a")
    assert once.use("b")
    clock.advance(minutes=11)
    assert once.use("a"), "whatever it was for has expired by then"


def test_memory_is_bounded_by_forgetting_the_oldest() -> None:
    once = OnceOnly(TestClock(), keep=timedelta(hours=1), most=3)
    for name in "abcd":
        assert once.use(name)
    assert not once.is_used("a")
    assert once.is_used("d")


@pytest.mark.parametrize("path", ["/", "/manage/classes?month=2026-11", "/a/b%20c#top", "/account/profile/external"])
def test_our_own_pages_are_gone_on_to(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize("path", [
    None, "", "x", "//evil.example", "///evil.example", "/\\evil.example", "\\evil", "https://evil.example", "javascript:alert(1)",
    "/a\nb", "/a\tb",
    "/ a", "/\x00", "/" + "x" * 2001,
])  # fmt: skip
def test_anything_else_is_not(path: str | None) -> None:
    assert safe_next(path) == "/"


@given(st.text(max_size=60))
def test_nobody_is_led_to_another_host(text: str) -> None:
    onward = safe_next(text)
    assert onward.startswith("/")
    assert not onward.startswith(("//", "/\\"))
    assert onward == "/" or onward == text


@pytest.mark.parametrize(("ago", "words"), [
    ({"seconds": -30}, "a few seconds ago"), ({"seconds": 0}, "a few seconds ago"), ({"seconds": 44}, "a few seconds ago"),
    ({"seconds": 60}, "a minute ago"), ({"minutes": 4}, "4 minutes ago"), ({"minutes": 60}, "an hour ago"), ({"hours": 5}, "5 hours ago"),
    ({"hours": 30}, "a day ago"), ({"days": 3}, "3 days ago"), ({"days": 30}, "a month ago"), ({"days": 90}, "3 months ago"),
    ({"days": 365}, "a year ago"), ({"days": 800}, "2 years ago"),
])  # fmt: skip
def test_times_are_told_in_words(ago: dict[str, float], words: str) -> None:
    assert since(NOW - timedelta(**ago), NOW) == words


def test_what_is_due_is_told_in_words_too() -> None:
    assert due(NOW + timedelta(minutes=4), NOW) == "in 4 minutes"
    assert due(NOW - timedelta(minutes=4), NOW) == "now"


def test_exact_times_are_utc() -> None:
    assert iso(NOW) == "2026-11-22T19:30:00Z"
    assert exact(NOW) == "Sunday, 22 November 2026, 19:30:00 UTC"


@pytest.mark.parametrize(("words", "text"), [("on its way.", "On its way"), ("Google is limiting us", "Google is limiting us"), ("", "")])
def test_words_begin_a_sentence(words: str, text: str) -> None:
    assert clause(words) == text
