"""The Microsoft identity platform's token endpoint behind TokenPort: RFC 6749 section 6, with refresh tokens that rotate at every use."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from adapters.errors import ReconnectNeeded
from adapters.http import LeanClient
from adapters.microsoft.answers import TokenAnswer, read
from adapters.microsoft.client_credential import ClientCredential
from adapters.microsoft.errors import token_error
from adapters.ports import TokenSet
from schemas.connections import Service

__all__ = ["CALENDAR_SCOPES", "MicrosoftTokens"]

#: The narrowest delegated permission that writes events; scopes without a resource are Graph's. `offline_access` keeps the rotation going.
CALENDAR_SCOPES = ("Calendars.ReadWrite", "offline_access")

_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


class MicrosoftTokens:
    """`authority` names the tenant too: `https://login.microsoftonline.com/common`."""

    service = Service.MICROSOFT

    def __init__(self, http: LeanClient, *, authority: str, client_id: str, credential: ClientCredential) -> None:
        self._http = http
        self._credential = credential
        self._url = f"{authority.rstrip('/')}/oauth2/v2.0/token"
        self._fixed = {
            "client_id": client_id,
            "grant_type": "refresh_token",
            "scope": " ".join(CALENDAR_SCOPES),
        }

    async def refresh(self, refresh_token: str, now: datetime) -> TokenSet:
        """Raises ReconnectNeeded also when the grant turns out to lack the calendar, and what the credential raises."""
        proof = await self._credential.form(self._url)
        form = urlencode({**self._fixed, **proof, "refresh_token": refresh_token}).encode()
        answer = await self._http.send(self.service, "POST", self._url, headers=_FORM, body=form)
        if answer.status != 200:
            raise token_error(answer, now)
        granted = read(answer, TokenAnswer)
        scopes = granted.scope.split()
        if scopes and not any(_is_for_the_calendar(scope) for scope in scopes):
            raise ReconnectNeeded(self.service, "calendar_scope_missing", status=answer.status)
        return TokenSet(
            access_token=granted.access_token,
            expires_at=now + timedelta(seconds=granted.expires_in),
            refresh_token=granted.refresh_token if granted.refresh_token != refresh_token else None,
        )

    async def revoke(self, refresh_token: str) -> bool:
        """Always False: there is no endpoint for it. The provider can remove the application on their account's own pages."""
        return False

    async def close(self) -> None:
        await self._credential.close()
        await self._http.close()


def _is_for_the_calendar(scope: str) -> bool:
    """Written short or with its resource (`https://graph.microsoft.com/Calendars.ReadWrite`); the case does not count."""
    return scope.rpartition("/")[2].casefold() == CALENDAR_SCOPES[0].casefold()
