"""The two pages: which account, and what it allows. Each calendar permission is a box of its own, ticked to begin with."""

from collections.abc import Iterable
from html import escape

from infra.sandbox.accounts import Account
from infra.sandbox.answers import Answer
from infra.sandbox.authorization import page
from infra.sandbox.config import GOOGLE, SandboxConfig
from infra.sandbox.google.scopes import CALENDAR_WORDS, EMAIL, PROFILE, needs_tick
from infra.sandbox.pages.dialog import choices, dialog, form, person_line

__all__ = ["account_page", "consent_page"]


def account_page(config: SandboxConfig, accounts: Iterable[Account], address: str) -> Answer:
    listed = choices(address, ((account.email, account.name, account.email) for account in accounts))
    body = f"<h1>Choose an account</h1><p>to continue to <b>{escape(config.app_name)}</b></p>{listed}"
    return page(dialog("Choose an account", GOOGLE, body))


def consent_page(config: SandboxConfig, account: Account, scopes: tuple[str, ...], address: str) -> Answer:
    app = escape(config.app_name)
    boxes = "".join(_box(scope) for scope in scopes if needs_tick(scope))
    asked = f"<h2>Select what {app} can access</h2><ul class=permissions>{boxes}</ul>" if boxes else ""
    fields = (
        f'<input type=hidden name=account value="{escape(account.email)}">{asked}'
        f"<p>With the account, {app} learns {_learns(scopes)}.</p>"
        "<div class=actions><button name=decision value=cancel>Cancel</button>"
        "<button class=go name=decision value=allow>Continue</button></div>"
    )
    body = f"<h1>{app} wants access to your Google Account</h1>{person_line(account.name, account.email)}{form(address, fields)}"
    return page(dialog("Consent", GOOGLE, body))


def _learns(scopes: tuple[str, ...]) -> str:
    said = {EMAIL: "your e-mail address", PROFILE: "your name and profile picture"}
    return " and ".join(words for scope, words in said.items() if scope in scopes) or "who you are"


def _box(scope: str) -> str:
    words = escape(CALENDAR_WORDS[scope])
    return (
        f'<li><label><input type=checkbox name=scope_granted value="{escape(scope)}" checked>'
        f"<span>{words}. <small>{escape(scope)}</small></span></label></li>"
    )
