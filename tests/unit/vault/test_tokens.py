"""The token keeper: one refresh for all who ask, ahead of expiry, a rotated token saved before use."""

import asyncio
from datetime import timedelta

import pytest

from adapters.errors import Misconfigured, ReconnectNeeded, Retryable, ServiceFailing, Throttled
from adapters.vault.seal import KeyRing
from adapters.vault.tokens import Grant, TokenKeeper
from schemas.connections import Service
from tests.unit.vault.fakes import LIFE, Setup

SERVICE = Service.MICROSOFT


async def test_a_token_is_reused_while_it_is_fresh(vault: Setup) -> None:
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    assert vault.endpoint.seen == ["refresh-0"]
    assert vault.observed == ["refreshed"]


async def test_callers_at_the_same_time_share_one_refresh(vault: Setup) -> None:
    vault.endpoint.gate = asyncio.Event()
    callers = [asyncio.create_task(vault.keeper.access_token(vault.grant)) for _ in range(50)]
    await vault.endpoint.entered.wait()
    vault.endpoint.gate.set()
    assert set(await asyncio.gather(*callers)) == {"access-1"}
    assert len(vault.endpoint.seen) == 1


async def test_connections_are_refreshed_side_by_side(vault: Setup) -> None:
    vault.endpoint.gate = asyncio.Barrier(2)  # neither refresh ends before both have begun
    grants = [vault.grant_of(f"refresh-of-{name}", provider_id=name) for name in ("a", "b")]
    assert len(set(await asyncio.gather(*map(vault.keeper.access_token, grants)))) == 2


async def test_a_cancelled_caller_does_not_cancel_the_refresh_of_the_others(vault: Setup) -> None:
    vault.endpoint.gate = asyncio.Event()
    first = asyncio.create_task(vault.keeper.access_token(vault.grant))
    await vault.endpoint.entered.wait()
    second = asyncio.create_task(vault.keeper.access_token(vault.grant))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    vault.endpoint.gate.set()
    assert await second == "access-1"
    assert len(vault.endpoint.seen) == 1


async def test_a_refresh_whose_callers_were_all_cancelled_still_saves_the_rotated_token(vault: Setup) -> None:
    vault.endpoint.rotates, vault.endpoint.gate = True, asyncio.Event()
    caller = asyncio.create_task(vault.keeper.access_token(vault.grant))
    await vault.endpoint.entered.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    vault.endpoint.gate.set()
    await vault.keeper.close()
    assert vault.table.saved == ["refresh-1"]
    assert await vault.keeper.access_token(vault.grant) == "access-1"


async def test_a_token_is_replaced_ahead_of_its_expiry_and_at_different_times_per_connection(vault: Setup) -> None:
    ahead = []
    for number in range(20):
        grant = vault.grant_of("refresh", provider_id=f"prov-{number}")
        await vault.keeper.access_token(grant)
        held = vault.keeper._held[grant.key]
        assert held.cached is not None
        ahead.append(held.cached.expires_at - held.cached.refresh_at)
    assert min(ahead) >= timedelta(minutes=5)
    assert max(ahead) <= timedelta(minutes=10)
    assert len(set(ahead)) == 20


async def test_the_replacement_is_not_before_half_of_a_short_life(vault: Setup) -> None:
    vault.endpoint.life = timedelta(minutes=2)
    await vault.keeper.access_token(vault.grant)
    vault.clock.forward(timedelta(seconds=59))
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    vault.clock.forward(timedelta(seconds=1))
    assert await vault.keeper.access_token(vault.grant) == "access-2"


async def test_a_token_that_comes_expired_is_handed_out_once_and_not_kept(vault: Setup) -> None:
    vault.endpoint.life = timedelta(seconds=-1)
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    assert await vault.keeper.access_token(vault.grant) == "access-2"


async def test_a_rotated_refresh_token_is_saved_before_anyone_gets_the_access_token(vault: Setup) -> None:
    vault.endpoint.rotates, vault.table.gate = True, asyncio.Event()
    early = asyncio.create_task(vault.keeper.access_token(vault.grant))
    await vault.table.entered.wait()
    late = asyncio.create_task(vault.keeper.access_token(vault.grant))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not early.done()
    assert not late.done()
    vault.table.gate.set()
    assert [await early, await late] == ["access-1", "access-1"]
    assert vault.table.saved == ["refresh-1"]
    assert vault.observed == ["rotated"]


async def test_no_access_token_is_handed_out_while_the_rotated_one_cannot_be_saved_and_none_is_lost(vault: Setup) -> None:
    vault.endpoint.rotates = True
    vault.table.failures = [OSError("the broker is away"), OSError("still")]
    for _ in range(2):
        with pytest.raises(OSError, match=r"away|still"):
            await vault.keeper.access_token(vault.grant)
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    assert vault.endpoint.seen == ["refresh-0"]
    assert vault.table.saved == ["refresh-1"]


async def test_the_newest_refresh_token_is_used_though_the_caller_brings_an_older_one(vault: Setup) -> None:
    vault.endpoint.rotates = True
    for _ in range(3):
        await vault.keeper.access_token(vault.grant)
        vault.clock.forward(LIFE)
    assert vault.endpoint.seen == ["refresh-0", "refresh-1", "refresh-2"]


async def test_a_refresh_token_rotated_by_another_worker_meanwhile_is_taken(vault: Setup) -> None:
    vault.endpoint.rotates = True
    await vault.keeper.access_token(vault.grant)
    vault.clock.forward(LIFE)
    await vault.keeper.access_token(vault.grant_of("refresh-from-elsewhere"))
    assert vault.endpoint.seen[-1] == "refresh-from-elsewhere"


async def test_a_service_that_repeats_the_same_refresh_token_rotates_nothing(vault: Setup) -> None:
    vault.endpoint.rotates = True
    await vault.keeper.access_token(vault.grant_of("refresh-1"))
    assert vault.table.saved == []


@pytest.mark.parametrize(
    "error", [ReconnectNeeded(SERVICE, "invalid_grant"), ServiceFailing(SERVICE, "timeout"), Misconfigured(SERVICE, "x")]
)
async def test_an_error_of_the_port_reaches_every_waiter_and_is_not_kept(vault: Setup, error: Exception) -> None:
    vault.endpoint.failures, vault.endpoint.gate = [error], asyncio.Event()
    callers = [asyncio.create_task(vault.keeper.access_token(vault.grant)) for _ in range(3)]
    await vault.endpoint.entered.wait()
    vault.endpoint.gate.set()
    assert await asyncio.gather(*callers, return_exceptions=True) == [error] * 3
    assert len(vault.endpoint.seen) == 1
    assert await vault.keeper.access_token(vault.grant) == "access-2"
    assert vault.observed == [type(error).__name__, "refreshed"]


async def test_a_failing_early_refresh_leaves_the_old_token_in_use_while_that_lasts(vault: Setup) -> None:
    await vault.keeper.access_token(vault.grant)
    vault.clock.forward(LIFE - timedelta(minutes=3))
    vault.endpoint.failures = [ServiceFailing(SERVICE, "timeout"), Throttled(SERVICE, "slow", retry_after=600)]
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    assert await vault.keeper.access_token(vault.grant) == "access-1"
    assert len(vault.endpoint.seen) == 2
    assert vault.observed[-1] == "postponed"
    vault.clock.forward(timedelta(seconds=15))
    with pytest.raises(Throttled):
        await vault.keeper.access_token(vault.grant)
    assert await vault.keeper.access_token(vault.grant) == "access-4"


async def test_an_early_refresh_that_says_reconnect_is_not_hidden_by_the_old_token(vault: Setup) -> None:
    await vault.keeper.access_token(vault.grant)
    vault.clock.forward(LIFE - timedelta(minutes=3))
    vault.endpoint.failures = [ReconnectNeeded(SERVICE, "invalid_grant")]
    with pytest.raises(ReconnectNeeded):
        await vault.keeper.access_token(vault.grant)


async def test_a_rejected_token_is_refreshed_once_by_all_who_met_the_401(vault: Setup) -> None:
    token = await vault.keeper.access_token(vault.grant)
    vault.keeper.invalidate(vault.grant, token)
    assert await vault.keeper.access_token(vault.grant) == "access-2"
    vault.keeper.invalidate(vault.grant, token)
    assert await vault.keeper.access_token(vault.grant) == "access-2"


async def test_a_forgotten_connection_starts_anew_with_what_the_caller_brings(vault: Setup) -> None:
    vault.endpoint.rotates = True
    await vault.keeper.access_token(vault.grant)
    vault.keeper.forget("prov-1", "grant-1")
    vault.keeper.forget("prov-1", "grant-1")
    await vault.keeper.access_token(vault.grant)
    assert vault.endpoint.seen == ["refresh-0", "refresh-0"]


async def test_a_refresh_overtaken_by_forget_saves_nothing_and_hands_out_nothing(vault: Setup) -> None:
    vault.endpoint.rotates, vault.endpoint.gate = True, asyncio.Event()
    caller = asyncio.create_task(vault.keeper.access_token(vault.grant))
    await vault.endpoint.entered.wait()
    vault.keeper.forget("prov-1", "grant-1")
    vault.endpoint.gate.set()
    with pytest.raises(Retryable, match="connection_forgotten"):
        await caller
    assert vault.table.saved == []
    assert vault.keeper._held == {}


async def test_a_sealed_token_that_does_not_open_is_the_operators_to_mend(vault: Setup) -> None:
    stolen = Grant(provider_id="prov-2", service=SERVICE, grant_id="grant-1", sealed_refresh_token=vault.grant.sealed_refresh_token)
    with pytest.raises(Misconfigured, match="sealed_token_unreadable"):
        await vault.keeper.access_token(stolen)
    assert vault.endpoint.seen == []


async def test_a_key_missing_from_the_ring_is_the_operators_to_mend(vault: Setup) -> None:
    sealed = KeyRing([("retired", bytes(32))]).seal("refresh-0", vault.grant.aad)
    grant = Grant(provider_id="prov-1", service=SERVICE, grant_id="grant-1", sealed_refresh_token=sealed)
    with pytest.raises(Misconfigured, match="retired"):
        await vault.keeper.access_token(grant)


async def test_a_service_without_a_client_registration_is_the_operators_to_mend(vault: Setup) -> None:
    with pytest.raises(Misconfigured, match="not_configured"):
        await vault.keeper.access_token(vault.grant_of("refresh-0", service=Service.GOOGLE))


async def test_no_token_shows_in_reprs_while_refreshing_or_after(vault: Setup, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    asyncio.get_running_loop().set_debug(True)
    vault.endpoint.rotates, vault.endpoint.gate = True, asyncio.Event()
    caller = asyncio.create_task(vault.keeper.access_token(vault.grant))
    await vault.endpoint.entered.wait()
    held = vault.keeper._held[vault.grant.key]
    flight = held.flight
    shown = [repr(flight), repr(held), repr(vault.keeper)]
    vault.endpoint.gate.set()
    await caller
    shown += [repr(flight), str(held), repr(held.cached), repr(vault.keeper), repr(vault.grant), f"{vault.grant}", caplog.text]
    assert isinstance(vault.keeper, TokenKeeper)
    for text in shown:
        for secret in ("access-1", "refresh-0", "refresh-1", vault.grant.sealed_refresh_token):
            assert secret not in text
