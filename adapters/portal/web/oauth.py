"""The code exchange, by Authlib: authorization code with PKCE (RFC 6749 section 4.1.3, RFC 7636), one attempt, no text of an error."""

import re
from collections.abc import Mapping
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

__all__ = ["Refused", "Registration", "Unavailable", "authorization_url", "exchange", "numbers_in"]


class Unavailable(Exception):
    """No usable answer: not reachable, too slow, failing, or not what OAuth2 says. Trying again from the start may work."""


class Refused(Exception):
    """The token endpoint said no. `error`: its word; `numbers`: Microsoft's AADSTS numbers.

    Its description is not kept: it may name the user.
    """

    def __init__(self, error: str, numbers: frozenset[int] = frozenset()) -> None:
        self.error = error
        self.numbers = numbers
        super().__init__(" ".join([error, *(f"AADSTS{number}" for number in sorted(numbers))]))


class Registration:
    """This application at one authorization server.

    `fields`: what authenticates it, as form fields; `basic`: id and secret go in a header instead.
    """

    def __init__(self, *, client_id: str, fields: Mapping[str, str], basic: bool = False) -> None:
        self.client_id = client_id
        self.fields = dict(fields)
        self.basic = basic

    def __repr__(self) -> str:
        return f"Registration({self.client_id!r})"


def authorization_url(endpoint: str, *, client_id: str, redirect_uri: str, scope: str, state: str, verifier: str, **extra: str) -> str:
    """Where the browser is sent; S256 challenge of `verifier`."""
    client = AsyncOAuth2Client(
        client_id, scope=scope, redirect_uri=redirect_uri, code_challenge_method="S256", transport=_NOWHERE, trust_env=False
    )
    url, _ = client.create_authorization_url(endpoint, state=state, code_verifier=verifier, **extra)
    return str(url)


async def exchange(
    transport: httpx2.AsyncBaseTransport,
    endpoint: str,
    registration: Registration,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    timeout: float,
) -> dict[str, Any]:
    """The token answer. Raises Refused or Unavailable, neither with anything of the code or the tokens in it."""
    client = AsyncOAuth2Client(
        registration.client_id,
        registration.fields.get("client_secret"),
        token_endpoint_auth_method="client_secret_basic" if registration.basic else "none",  # none: the fields are in the form
        redirect_uri=redirect_uri,
        transport=transport,
        timeout=timeout,
        trust_env=False,
    )
    fields = {} if registration.basic else registration.fields
    failure: Exception
    try:
        token = await client.fetch_token(endpoint, code=code, code_verifier=verifier, grant_type="authorization_code", **fields)
        return dict(token)
    except OAuthError as error:
        failure = Refused(_word(error.error), numbers_in(error.description))
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        failure = Unavailable(type(error).__name__)
    # Raised outside of the handler: the library's errors hold the request, and with it the code and the secret.
    raise failure


def numbers_in(description: object) -> frozenset[int]:
    """Microsoft's AADSTS numbers in an `error_description`; nothing else of it is kept."""
    return frozenset(int(number) for number in re.findall(r"AADSTS([0-9]{3,9})", str(description or "")[:4000]))


def _word(text: object) -> str:
    return text if isinstance(text, str) and re.fullmatch(r"[a-z_]{1,64}", text) else "other"


#: create_authorization_url makes no call.
_NOWHERE = httpx2.MockTransport(lambda _request: httpx2.Response(503))
