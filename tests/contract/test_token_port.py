"""What adapters.ports.TokenPort promises, over the fakes and over both real adapters against the simulated services."""

from datetime import UTC, datetime

import pytest

from adapters.errors import Misconfigured, ReconnectNeeded, ServiceFailing, Throttled
from schemas.connections import Service
from tests.contract.backends import Backend
from tests.contract.samples import ENTRY, MARK, failure
from tests.contract.sandbox_backend import sandbox_backend

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


async def test_a_refresh_gives_an_access_token_that_opens_the_mailbox_for_a_while(backend: Backend) -> None:
    granted = await backend.tokens.refresh(backend.refresh_token, NOW)
    assert 0 < (granted.expires_at - NOW).total_seconds() <= 86400
    await backend.calendar.create(granted.access_token, ENTRY, MARK)
    assert len(await backend.seen()) == 1


async def test_a_rotated_refresh_token_works_and_tokens_are_kept_out_of_repr(backend: Backend) -> None:
    first = await backend.tokens.refresh(backend.refresh_token, NOW)
    assert (first.refresh_token is not None) == (backend.service is Service.MICROSOFT)
    second = await backend.tokens.refresh(first.refresh_token or backend.refresh_token, NOW)
    assert second.access_token != first.access_token
    for secret in (first.access_token, first.refresh_token or backend.refresh_token):
        assert secret not in repr(first)


async def test_a_revoked_grant_needs_the_provider(backend: Backend) -> None:
    await backend.revoke_by_hand()
    error = await failure(backend.tokens.refresh(backend.refresh_token, NOW), backend.refresh_token)
    assert (type(error), error.code) == (ReconnectNeeded, "invalid_grant")


async def test_a_token_that_was_never_issued_needs_the_provider(backend: Backend) -> None:
    error = await failure(backend.tokens.refresh("never-issued", NOW), "never-issued")
    assert isinstance(error, ReconnectNeeded)


async def test_a_failing_endpoint_says_nothing_of_the_grant(backend: Backend) -> None:
    await backend.answer_next(503, operation="refresh")
    assert isinstance(await failure(backend.tokens.refresh(backend.refresh_token, NOW), backend.refresh_token), ServiceFailing)
    await backend.answer_next(429, operation="refresh", retry_after=11)
    throttled = await failure(backend.tokens.refresh(backend.refresh_token, NOW), backend.refresh_token)
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after == 11.0
    assert (await backend.tokens.refresh(backend.refresh_token, NOW)).access_token


async def test_a_dropped_refresh_is_ambiguous_and_the_old_refresh_token_still_works(backend: Backend) -> None:
    await backend.drop_next(operation="refresh", after=False)
    error = await failure(backend.tokens.refresh(backend.refresh_token, NOW), backend.refresh_token)
    assert (type(error), error.code) == (ServiceFailing, "dropped")
    assert (await backend.tokens.refresh(backend.refresh_token, NOW)).access_token


async def test_revoking_ends_the_grant_where_the_service_can_do_that(backend: Backend) -> None:
    token = await backend.access_token()
    can_revoke = backend.service is Service.GOOGLE
    assert await backend.tokens.revoke(backend.refresh_token) is can_revoke
    assert await backend.tokens.revoke(backend.refresh_token) is False
    if can_revoke:
        await failure(backend.calendar.find(token, MARK), token)
        assert isinstance(await failure(backend.tokens.refresh(backend.refresh_token, NOW)), ReconnectNeeded)


@pytest.mark.parametrize("service", list(Service))
async def test_a_wrong_client_secret_is_the_operators_affair(service: Service) -> None:
    async with sandbox_backend(service, client_secret="wrong-secret") as running:
        error = await failure(running.tokens.refresh(running.refresh_token, NOW), running.refresh_token, "wrong-secret")
    assert (type(error), error.code) == (Misconfigured, "invalid_client")


async def test_closing_twice_is_fine(backend: Backend) -> None:
    await backend.tokens.close()
    await backend.tokens.close()
