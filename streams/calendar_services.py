"""The calendar services that the settings name, behind their ports.

Each vendor's library takes most of a second to load, so that it is imported here when its service is configured, and by no process
that calls neither (the fold, redelivery, the portal).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.http import LeanClient
from adapters.microsoft.client_credential import (
    CertificateCredential,
    ClientCredential,
    ManagedIdentity,
    SecretCredential,
    WorkloadIdentity,
)
from adapters.ports import CalendarPort, TokenPort
from schemas.connections import Service
from streams.settings import OAuthSettings, SettingError, Settings

__all__ = ["Adapters", "microsoft_credential", "real_adapters"]

#: Where Kubernetes projects the token of a workload identity when the pod does not say otherwise.
DEFAULT_TOKEN_FILE = "/var/run/secrets/azure/tokens/azure-identity-token"  # noqa: S105 - a path


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """What the execute worker talks to. A service without client id is absent: its entries rest until it is configured."""

    calendars: Mapping[Service, CalendarPort]
    tokens: Mapping[Service, TokenPort]
    http: LeanClient | None = None

    async def close(self) -> None:
        for calendar in self.calendars.values():
            await calendar.close()
        for tokens in self.tokens.values():
            await tokens.close()
        if self.http is not None:
            await self.http.close()


def real_adapters(settings: Settings) -> Adapters:
    """Raises SettingError when no calendar service is configured."""
    if settings.google is None and settings.microsoft is None:
        expects, example = "an OAuth2 client id in at least one of the two", "1234.apps.googleusercontent.com"
        raise SettingError("IMPACT_GOOGLE_CLIENT_ID", expects, example, "and IMPACT_MICROSOFT_CLIENT_ID are both missing")
    http = LeanClient(timeout=settings.call_timeout)
    calendars: dict[Service, CalendarPort] = {}
    tokens: dict[Service, TokenPort] = {}
    if settings.google is not None:
        calendars[Service.GOOGLE], tokens[Service.GOOGLE] = _google(settings, settings.google, http)
    if settings.microsoft is not None:
        calendars[Service.MICROSOFT], tokens[Service.MICROSOFT] = _microsoft(settings, settings.microsoft, http)
    return Adapters(calendars=calendars, tokens=tokens, http=http)


def _google(settings: Settings, oauth: OAuthSettings, http: LeanClient) -> tuple[CalendarPort, TokenPort]:
    from adapters.google.client import GoogleCalendar
    from adapters.google.tokens import GoogleTokens

    calendar = GoogleCalendar(http, api_url=settings.google_api_url)
    tokens = GoogleTokens(
        http,
        token_url=settings.google_token_url,
        revoke_url=settings.google_revoke_url,
        client_id=oauth.client_id,
        client_secret=oauth.client_secret,
    )
    return calendar, tokens


def _microsoft(settings: Settings, oauth: OAuthSettings, http: LeanClient) -> tuple[CalendarPort, TokenPort]:
    from adapters.microsoft.client import MicrosoftCalendar
    from adapters.microsoft.tokens import MicrosoftTokens

    calendar = MicrosoftCalendar(http, graph_url=settings.graph_url)
    tokens = MicrosoftTokens(
        http, authority=settings.microsoft_authority, client_id=oauth.client_id, credential=microsoft_credential(oauth)
    )
    return calendar, tokens


def microsoft_credential(oauth: OAuthSettings) -> ClientCredential:
    """How this process proves itself to Microsoft. Raises SettingError for a certificate that cannot be used."""
    if oauth.federated == "managed-identity":
        return ManagedIdentity(os.environ.get("AZURE_CLIENT_ID"))
    if oauth.federated == "workload-identity":
        return WorkloadIdentity(Path(os.environ.get("AZURE_FEDERATED_TOKEN_FILE", DEFAULT_TOKEN_FILE)))
    if oauth.certificate is None:
        return SecretCredential(oauth.client_secret)
    try:
        return CertificateCredential(oauth.certificate.read_bytes(), client_id=oauth.client_id)
    except (OSError, ValueError, TypeError) as error:  # TypeError: the key is encrypted
        expects = "a PEM file with the certificate and its RSA key, not encrypted"
        name = "IMPACT_MICROSOFT_CLIENT_CERTIFICATE"
        raise SettingError(name, expects, "/etc/impact/app.pem", f"cannot be used ({type(error).__name__})") from None
