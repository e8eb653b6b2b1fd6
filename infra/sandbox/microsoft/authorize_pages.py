"""The identity platform's pages: which account, what the application may do, and that an administrator has to approve."""

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from infra.sandbox.accounts import PERSONAL_TENANT, Account, Tenant
from infra.sandbox.answers import Answer
from infra.sandbox.authorization import Asked, page
from infra.sandbox.config import MICROSOFT, SandboxConfig
from infra.sandbox.microsoft.permissions import APPLICATION_PERMISSIONS, PERMISSIONS
from infra.sandbox.pages.dialog import choices, dialog, form, person_line

__all__ = ["account_page", "admin_consent_page", "approval_page", "consent_page"]

_ORGANIZATION = (
    "<p><label class=tick><input type=checkbox name=organization value=yes><span>Consent on behalf of your organization</span></label></p>"
)


def account_page(config: SandboxConfig, accounts: Iterable[Account], address: str, *, unknown: bool = False) -> Answer:
    note = "<p role=alert>This username may be incorrect. Pick another one.</p>" if unknown else ""
    listed = choices(address, ((account.email, account.name, _line(account)) for account in accounts))
    body = f"<h1>Pick an account</h1>{note}<p>to continue to <b>{escape(config.app_name)}</b></p>{listed}"
    return page(dialog("Pick an account", MICROSOFT, body))


def consent_page(config: SandboxConfig, account: Account, tenant: Tenant | None, scopes: tuple[str, ...], address: str) -> Answer:
    shown = [scope for scope in scopes if scope not in ("openid", "profile", "email") or "User.Read" not in scopes]
    items = "".join(_item(PERMISSIONS[scope].title, PERMISSIONS[scope].text) for scope in shown)
    organization = _ORGANIZATION if account.admin else ""
    where = "https://myaccount.microsoft.com" if tenant is not None else "https://account.live.com/consent/Manage"
    fields = (
        f"{_account_field(account)}<ul class=permissions>{items}</ul>{organization}"
        f"<p>Accepting means that you allow this app to use your data as its terms of service and privacy statement say. "
        f"You can change these permissions at {where}.</p>{_buttons('No', 'Yes')}"
    )
    title = "Permissions requested" if tenant is not None else "Let this app access your info?"
    who = person_line(account.name, account.email)
    body = f"<h1>{title}</h1>{who}{_application(config)}<p>This app would like to:</p>{form(address, fields)}"
    return page(dialog(title, MICROSOFT, body))


def admin_consent_page(config: SandboxConfig, account: Account, tenant: Tenant, address: str) -> Answer:
    items = "".join(_item(PERMISSIONS[name].admin_title, f"{name} · delegated") for name in APPLICATION_PERMISSIONS)
    fields = (
        f"{_account_field(account)}<ul class=permissions>{items}</ul>"
        f"<p>If you accept, this app will get access to the specified resources for all users in <b>{_organization(tenant)}</b>. "
        f"No one else will be prompted to review these permissions.</p>{_buttons('Cancel', 'Accept')}"
    )
    body = (
        f"<h1>Permissions requested</h1><p>Review for your organization</p>{person_line(account.name, account.email)}"
        f"{_application(config)}<p>This app would like to:</p>{form(address, fields)}"
    )
    return page(dialog("Permissions requested for the organization", MICROSOFT, body))


def approval_page(config: SandboxConfig, account: Account, asked: Asked, address: str) -> Answer:
    """The person may leave without consent, or go on as an administrator."""
    fields = {name: value for name, value in asked.fields.items() if name != "login_hint"} | {"prompt": "select_account"}
    other = f"{address.partition('?')[0]}?{urlencode(fields)}"
    app = escape(config.app_name)
    back = '<div class=actions><button name=decision value="return">Return to the application without granting consent</button></div>'
    body = (
        f"<h1>Need admin approval</h1>{person_line(account.name, account.email)}{_application(config)}"
        f"<p><b>{app}</b> needs permission to access resources in your organization that only an admin can grant. "
        "Please ask an admin to grant permission to this app before you can use it.</p>"
        f'<p><a href="{escape(other)}">Have an admin account? Sign in with that account</a></p>'
        f"{form(address, _account_field(account) + back)}"
    )
    return page(dialog("Need admin approval", MICROSOFT, body))


def _application(config: SandboxConfig) -> str:
    publisher = f"{escape(config.publisher)} <span>(verified)</span>" if config.publisher_verified else "<span>unverified</span>"
    return f"<h2>{escape(config.app_name)}</h2><p class=publisher><span>Publisher:</span> {publisher}</p>"


def _item(title: str, text: str) -> str:
    return f"<li>{escape(title)}<small>{escape(text)}</small></li>"


def _account_field(account: Account) -> str:
    return f'<input type=hidden name=account value="{escape(account.email)}">'


def _buttons(no: str, yes: str) -> str:
    return (
        f"<div class=actions><button name=decision value=cancel>{no}</button>"
        f"<button class=go name=decision value=accept>{yes}</button></div>"
    )


def _line(account: Account) -> str:
    kind = "personal account" if account.tenant_id == PERSONAL_TENANT else "administrator" if account.admin else "work account"
    return f"{account.email} · {kind}"


def _organization(tenant: Tenant) -> str:
    return escape(tenant.name or tenant.domain)
