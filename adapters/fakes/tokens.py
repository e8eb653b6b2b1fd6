"""An OAuth2 token endpoint in memory."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from adapters.errors import ReconnectNeeded
from adapters.fakes.script import Call, Operation, Script, require
from adapters.ports import TokenSet
from schemas.connections import Service

__all__ = ["FakeTokens"]


class FakeTokens:
    """TokenPort. `grant(refresh_token, mailbox)` makes a grant; its access tokens open that mailbox in a FakeCalendar.

    `rotates`: every refresh gives a new refresh token and ends the old one, as Microsoft's do.
    """

    def __init__(self, service: Service, *, rotates: bool = False, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.service = service
        self.script = Script()
        self.calls: list[Call] = []
        self.closed = False
        self._rotates, self._lifetime = rotates, lifetime
        self._mailboxes: dict[str, str] = {}
        self._access: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def grant(self, refresh_token: str, mailbox: str) -> None:
        self._mailboxes[refresh_token] = mailbox

    def revoke_by_hand(self, mailbox: str) -> None:
        """The user takes the grant away at the service: refreshes fail, and the access tokens are dead."""
        self._mailboxes = {token: owner for token, owner in self._mailboxes.items() if owner != mailbox}
        self.expire_access(mailbox)

    def expire_access(self, mailbox: str) -> None:
        self._access = {token: owner for token, owner in self._access.items() if owner != mailbox}

    def mailbox_of(self, access_token: str) -> str | None:
        return self._access.get(access_token)

    async def refresh(self, refresh_token: str, now: datetime) -> TokenSet:
        async with self._call("refresh", refresh_token) as mailbox:
            if mailbox is None:
                raise ReconnectNeeded(self.service, "invalid_grant", status=400)
            number = next(self._numbers)
            access = f"fake-access-{number}"
            self._access[access] = mailbox
            rotated = f"fake-refresh-{number}" if self._rotates else None
            if rotated is not None:
                self._mailboxes[rotated] = self._mailboxes.pop(refresh_token)
            return TokenSet(access_token=access, expires_at=now + self._lifetime, refresh_token=rotated)

    async def revoke(self, refresh_token: str) -> bool:
        async with self._call("revoke", refresh_token) as mailbox:
            if mailbox is None or self.service is Service.MICROSOFT:
                return False
            self.revoke_by_hand(mailbox)
            return True

    async def close(self) -> None:
        self.closed = True

    @asynccontextmanager
    async def _call(self, operation: Operation, refresh_token: str) -> AsyncIterator[str | None]:
        require(bool(refresh_token), "a refresh token is never empty")
        mailbox = self._mailboxes.get(refresh_token)
        self.calls.append(Call(operation=operation, mailbox=mailbox or "", about=""))
        failure = self.script.take(operation, mailbox or "")
        await asyncio.sleep(0)
        if failure is not None and not failure.after:
            raise failure.error()
        yield mailbox
        if failure is not None:
            raise failure.error()
