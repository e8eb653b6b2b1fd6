"""Google's OAuth2 endpoints behind TokenPort: refresh and revoke, RFC 6749 section 6 and Google's OAuth2 guide for web servers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

import msgspec

from adapters.errors import CalendarError, ReconnectNeeded, ServiceFailing
from adapters.google.errors import token_error
from adapters.http import HttpAnswer, LeanClient
from adapters.ports import TokenSet
from schemas.connections import Service

__all__ = ["CALENDAR_SCOPES", "GoogleTokens"]

_PREFIX = "https://www.googleapis.com/auth/"
#: Any of these lets us write events of the primary calendar; the first is the narrowest, and the one to ask for.
CALENDAR_SCOPES = (f"{_PREFIX}calendar.events.owned", f"{_PREFIX}calendar.events", f"{_PREFIX}calendar")

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


class _Answer(msgspec.Struct, frozen=True):
    """`scope` is space-separated; absent means what was asked for (RFC 6749 section 5.1)."""

    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+$")]
    expires_in: Annotated[int, msgspec.Meta(ge=0, le=366 * 86400)]
    refresh_token: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    scope: str | None = None


_answer = msgspec.json.Decoder(_Answer)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class GoogleTokens:
    """`clock` is for HTTP dates in Retry-After."""

    service = Service.GOOGLE

    def __init__(
        self,
        http: LeanClient,
        *,
        token_url: str,
        revoke_url: str,
        client_id: str,
        client_secret: str,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._http = http
        self._token_url = token_url
        self._revoke_url = revoke_url
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._clock = clock

    async def refresh(self, refresh_token: str, now: datetime) -> TokenSet:
        """Raises ReconnectNeeded also when the provider unticked the calendar on Google's consent page."""
        answer = await self._post(self._token_url, {**self._client, "grant_type": "refresh_token", "refresh_token": refresh_token})
        if answer.status != 200:
            raise token_error(answer, now)
        granted = _decode(answer)
        if isinstance(granted, CalendarError):
            raise granted
        if granted.scope is not None and not set(granted.scope.split()) & set(CALENDAR_SCOPES):
            raise ReconnectNeeded(self.service, "calendar_scope_missing", status=answer.status)
        return TokenSet(
            access_token=granted.access_token,
            expires_at=now + timedelta(seconds=granted.expires_in),
            refresh_token=granted.refresh_token if granted.refresh_token != refresh_token else None,
        )

    async def revoke(self, refresh_token: str) -> bool:
        """Either token ends the whole grant, so that the access token dies with it."""
        answer = await self._post(self._revoke_url, {"token": refresh_token})
        if answer.status == 200:
            return True
        error = token_error(answer, self._clock())
        if error.code == "invalid_token":  # expired or revoked before
            return False
        raise error

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, url: str, form: dict[str, str]) -> HttpAnswer:
        return await self._http.send(self.service, "POST", url, headers=FORM, body=urlencode(form).encode())


def _decode(answer: HttpAnswer) -> "_Answer | CalendarError":
    """Given back, not raised in the handler: the decoder's error would be its context, and may quote the answer."""
    try:
        return _answer.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ServiceFailing(Service.GOOGLE, "bad_answer", status=answer.status)
