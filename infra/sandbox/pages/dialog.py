"""One card in the middle of the page: for signing in and for consent. Every text that is not written here passes `escape`."""

from collections.abc import Iterable
from html import escape

from infra.sandbox.pages.frame import frame

__all__ = ["choices", "dialog", "form", "person_line"]

_BRANDS = {
    "google": ("Google", "google"),
    "microsoft": ("Microsoft", "microsoft"),
    "oidc": ("Sign-in", "oidc"),
}


def dialog(title: str, brand: str, body: str) -> str:
    """`body`: HTML of the card, with an h1 in it."""
    name, colour = _BRANDS[brand]
    origin = f'<p class=origin><span class="badge {colour}">{name}</span><span class=simulated>Simulated</span></p>'
    card = (
        f'<section class="dialog" aria-label="{name} (simulated)">{origin}{body}</section>'
        "<p class=footnote>This page belongs to the sandbox. No real account is involved, and no password is asked for.</p>"
    )
    return frame(f"{title} (simulated)", card, "dialog.css")


def form(address: str, body: str) -> str:
    return f'<form method="post" action="{escape(address)}">{body}</form>'


def choices(address: str, people: Iterable[tuple[str, str, str]]) -> str:
    """Buttons, one a person: (value, name, a line below it)."""
    buttons = "".join(
        f'<li><button class=person name=account value="{escape(value)}">{_card(name, line)}</button></li>' for value, name, line in people
    )
    return form(address, f"<ul class=people>{buttons}</ul>")


def person_line(name: str, email: str) -> str:
    return f"<p class=who>{_card(name, email)}</p>"


def _card(name: str, line: str) -> str:
    initial = f"<span class=initial aria-hidden=true>{escape(name[:1].upper())}</span>"
    return f"{initial}<span><b>{escape(name)}</b> <small>{escape(line)}</small></span>"
