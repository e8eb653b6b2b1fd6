"""What the token endpoint answers when it grants."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.sandbox.accounts import Account
from infra.sandbox.config import MICROSOFT
from infra.sandbox.grants import Grant
from infra.sandbox.microsoft.permissions import OIDC_SCOPES, RESOURCE
from infra.sandbox.world import World

__all__ = ["account_of", "tokens"]


def tokens(world: World, grant: Grant, fields: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """A fresh access token and, for `offline_access`, a fresh refresh token."""
    book, lifetime = world.grants[MICROSOFT], world.config.access_token_lifetime
    body: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join(_full(scope) for scope in grant.scope_text.split() if scope != "offline_access"),
        "expires_in": int(lifetime.total_seconds()),
        "ext_expires_in": int(lifetime.total_seconds()),
        "access_token": book.issue_access(grant, expires_at=now + lifetime).value,
    }
    if "offline_access" in grant.scopes:
        expires_at = now + world.config.microsoft_refresh_token_lifetime
        body["refresh_token"] = book.issue_refresh(grant, expires_at=expires_at).value
    if fields.get("client_info") == "1":
        account = account_of(world, grant.email)
        who = {"uid": account.object_id, "utid": account.tenant_id}
        body["client_info"] = base64.urlsafe_b64encode(json.dumps(who).encode()).decode().rstrip("=")
    return body


def account_of(world: World, email: str) -> Account:
    """Of an e-mail that a grant stands for: it has a mailbox, so it has an account."""
    world.mailboxes.of(MICROSOFT, email)
    account = world.directory.account(MICROSOFT, email, world.mailboxes)
    assert account is not None  # noqa: S101 - a mailbox is enough for an account
    return account


def _full(scope: str) -> str:
    return scope if scope in OIDC_SCOPES or scope.startswith("https://") else RESOURCE + scope
