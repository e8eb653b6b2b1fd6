"""Steps that several tests take."""

import httpx

from tests.integration.portal.person import Person

__all__ = ["EVENTS_SCOPE", "at_google", "at_microsoft", "connect_google", "connect_microsoft"]

EVENTS_SCOPE = "https://www.googleapis.com/auth/calendar.events.owned"


async def at_google(person: Person, email: str = "ana@impact.example") -> httpx.Response:
    """From EXTERNAL to Google's consent page."""
    await person.open("/account/profile/external")
    await person.submit("/connect", service="google")
    return await person.submit("/google/authorize", account=email)


async def connect_google(person: Person, email: str = "ana@impact.example") -> httpx.Response:
    await at_google(person, email)
    return await person.submit("/google/authorize", press=("decision", "allow"))


async def at_microsoft(person: Person, email: str = "ana@impact.example") -> httpx.Response:
    await person.open("/account/profile/external")
    await person.submit("/connect", service="microsoft")
    return await person.submit("/oauth2/v2.0/authorize", account=email)


async def connect_microsoft(person: Person, email: str = "ana@impact.example") -> httpx.Response:
    await at_microsoft(person, email)
    return await person.submit("/oauth2/v2.0/authorize", press=("decision", "accept"))
