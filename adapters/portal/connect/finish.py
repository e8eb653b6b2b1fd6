"""From a redeemed code to a published connection: sealed, confirmed, remembered as awaited until the workers have taken it up."""

import secrets

from starlette.requests import Request

from adapters.portal.connect.grants import Granted, ServiceClient
from adapters.portal.ports import PublishFailed
from adapters.portal.services import services_of
from adapters.portal.web.guards import signed_in_session
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.problems import NextStep, Problem
from adapters.portal.web.sessions import Awaited, box_of
from adapters.vault.seal import ConnectionAad
from schemas.connections import ConnectionGranted

__all__ = ["not_published", "publish_grant"]


async def publish_grant(request: Request, client: ServiceClient, granted: Granted) -> None:
    """Raises Problem when the grant could not be published; then nothing is connected."""
    deps = services_of(request).deps
    provider_id, grant_id, now = signed_in_session(request).provider_id, secrets.token_hex(16), deps.clock()
    aad = ConnectionAad(provider_id=provider_id, service=client.service, grant_id=grant_id)
    event = ConnectionGranted(
        provider_id=provider_id,
        grant_id=grant_id,
        service=client.service,
        email=granted.email,
        sealed_refresh_token=deps.ring.seal(granted.refresh_token, aad),
        scopes=granted.scopes,
        connected_at=now,
        account_id=granted.account_id,
    )
    try:
        await deps.publisher.granted(event)
    except PublishFailed as error:
        raise not_published() from error
    awaited = Awaited(what="connecting", grant_id=grant_id, service=client.service.value, email=granted.email, since=now)
    box_of(request).change(awaited=awaited)


def not_published() -> Problem:
    return Problem(
        name="not_published",
        title="We could not save that",
        text="Our own system did not take it in time. Please look at your profile in a moment, and try again if nothing has changed.",
        status=503,
        steps=(NextStep(label="Back to your profile", href=EXTERNAL),),
    )
