"""What the demo's browser makes of a page: the words, links and forms that a person has before them."""

import pytest
from yarl import URL

from streams.cli.demo.markup import Page, read_page

HERE = URL("http://127.0.0.1:8000/account?tab=external")


def page(html: str, refresh: str = "") -> Page:
    return read_page(HERE, 200, html, refresh=refresh)


def test_texts_are_in_one_line_without_scripts_and_styles() -> None:
    shown = page("<style>p {}</style><h1>Your\n  <b>classes</b>, today</h1><script>alert(1)</script>")
    assert shown.heading == "Your classes, today"
    assert [element.text for element in shown.elements if element.tag in ("style", "script")] == ["", ""]


def test_elements_without_an_end_hold_nothing_and_stray_ends_close_nothing() -> None:
    shown = page("<div id=one><img src=a><br>in</p></div><p>out</p>")
    one = shown.by_id("one")
    assert one is not None
    assert one.text == "in"
    assert [element.tag for element in shown.all(inside=one)] == ["img", "br"]


def test_the_exact_words_go_before_words_that_hold_them() -> None:
    shown = page("<a href=/other>Disconnect instead</a><a href=/this>Disconnect</a>")
    assert [found["href"] for words in ("Disconnect", "instead") if (found := shown.saying("a", words))] == ["/this", "/other"]
    assert shown.saying("a", "Connect") is None


def test_a_form_sends_what_is_filled_in_and_ticked_of_its_own() -> None:
    shown = page(
        "<input name=outside value=x>"
        "<form id=form><input type=hidden name=csrf value=c><input type=checkbox name=scope value=a checked>"
        "<input type=checkbox name=scope value=b><input type=radio name=events value=leave checked>"
        "<input type=radio name=events value=remove><input value=nameless></form>"
    )
    form = shown.by_id("form")
    assert form is not None
    assert shown.fields(form) == [("csrf", "c"), ("scope", "a"), ("events", "leave")]


@pytest.mark.parametrize(
    ("refresh", "onward"),
    [
        ("0; url=http://127.0.0.1:9/authorize?state=a%2Fb", "http://127.0.0.1:9/authorize?state=a%2Fb"),
        ("0;url=/next", HERE.join(URL("/next"))),
    ],
)
def test_a_page_that_goes_on_by_itself_names_the_next_one_untouched(refresh: str, onward: URL | str) -> None:
    assert str(page("", refresh).refresh) == str(onward)


@pytest.mark.parametrize("refresh", ["", "30; url=/later"])
def test_a_page_that_stays_names_none(refresh: str) -> None:
    assert page("", refresh).refresh is None
