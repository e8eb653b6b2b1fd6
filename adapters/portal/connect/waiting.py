"""Who waits for an administrator's approval at Microsoft: a sealed cookie of their browser, which outlives the session and any portal.

What is true is known at Microsoft alone: an administrator may approve by our link, which leads back to some portal process, or without us.
So while somebody waits, their own browser asks Microsoft now and then, without a page (`prompt=none`): a code means that consent is there.
"""

from datetime import datetime, timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from adapters.portal.connect.approval import LINK_LIFETIME
from adapters.portal.connect.refusals import approval_needed
from adapters.portal.deps import PortalDeps
from adapters.portal.web.cookies import cookie_header
from adapters.portal.web.guards import signed_in_session
from adapters.portal.web.sealing import Sealer

__all__ = ["OPENED", "STAYS_OPEN", "Waiting", "WaitingCookie", "heard"]

#: A page that is opened asks when the last time was so long ago, one that stays open more seldom: asking leads through Microsoft and back.
OPENED, STAYS_OPEN = timedelta(seconds=15), timedelta(minutes=2)
_PURPOSE = "waiting"
#: Errors that say nothing about consent, and may be gone at the next try.
_PASSING = frozenset({"temporarily_unavailable", "server_error"})


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """`ticket`: in the link that was made. `given`: Microsoft said that consent is there.

    `asks`: False when Microsoft does not know who sits at this browser, so that asking without a page is of no use.
    """

    provider_id: str
    ticket: str
    since: datetime
    asked_at: datetime
    given: bool = False
    asks: bool = True

    def is_due(self, now: datetime, *, after: timedelta) -> bool:
        return self.asks and not self.given and now - self.asked_at >= after


def heard(waiting: Waiting, error: str | None, numbers: frozenset[int]) -> Waiting:
    """After an answer to asking without a page; `error` None: a code came, which nobody redeems."""
    if error is None:
        return msgspec.structs.replace(waiting, given=True)
    if error in _PASSING or approval_needed(error, numbers):
        return waiting
    return msgspec.structs.replace(waiting, asks=False)


class WaitingCookie:
    """One person's, also in a browser that several share: it counts for the provider who is signed in, or not at all."""

    def __init__(self, deps: PortalDeps, sealer: Sealer) -> None:
        self._secure = deps.secure
        self._clock = deps.clock
        self._sealer = sealer
        self._name = f"{'__Host-' if deps.secure else ''}impact_approval"

    def read(self, request: Request) -> Waiting | None:
        text = request.cookies.get(self._name)
        waiting = self._sealer.open(text, Waiting, purpose=_PURPOSE) if text else None
        if waiting is None or waiting.provider_id != signed_in_session(request).provider_id:
            return None
        return waiting if self._clock() - waiting.since <= LINK_LIFETIME else None

    def write(self, answer: Response, waiting: Waiting) -> None:
        self._set(answer, self._sealer.seal(waiting, purpose=_PURPOSE), LINK_LIFETIME)

    def clear(self, request: Request, answer: Response) -> None:
        if self._name in request.cookies:
            self._set(answer, "", timedelta(0))

    def _set(self, answer: Response, text: str, max_age: timedelta) -> None:
        answer.headers.append("set-cookie", cookie_header(self._name, text, secure=self._secure, max_age=max_age))
