"""What CalendarPort raises, what was done then, and how a caller goes on; over the fakes and over both real adapters."""

import pytest

from adapters.errors import Permanent, ServiceFailing, Throttled, Unauthorized
from adapters.fakes import Operation
from tests.contract.backends import Backend
from tests.contract.samples import ENTRY, MARK, entry, failure, mark

OPERATIONS: list[Operation] = ["create", "update", "delete", "find"]


async def call(backend: Backend, operation: Operation, token: str, remote_id: str) -> object:
    match operation:
        case "create":
            return await backend.calendar.create(token, ENTRY, mark(class_id="class-2"))
        case "update":
            return await backend.calendar.update(token, remote_id, entry(title="Later"), mark(revision=4))
        case "delete":
            return await backend.calendar.delete(token, remote_id)
        case _:
            return await backend.calendar.find(token, MARK)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_throttle_says_how_long_to_wait_and_nothing_was_done(backend: Backend, operation: Operation) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.answer_next(429, operation=operation, retry_after=7)
    error = await failure(call(backend, operation, token, made.remote_id), token)
    assert isinstance(error, Throttled)
    assert (error.status, error.retry_after) == (429, 7.0)
    assert [seen.title for seen in await backend.seen()] == [ENTRY.title]
    await call(backend, operation, token, made.remote_id)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_failing_service_is_told_from_a_throttle(backend: Backend, operation: Operation, status: int) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.answer_next(status, operation=operation)
    error = await failure(call(backend, operation, token, made.remote_id), token)
    assert (type(error), error.status) == (ServiceFailing, status)
    await call(backend, operation, token, made.remote_id)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_request_that_is_refused_as_it_is_is_permanent(backend: Backend, operation: Operation) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.answer_next(400, operation=operation)
    assert type(await failure(call(backend, operation, token, made.remote_id), token)) is Permanent


@pytest.mark.parametrize("after", [False, True], ids=["before-the-work", "after-the-work"])
@pytest.mark.parametrize("how", ["drop", "error"])
async def test_after_an_ambiguous_create_looking_and_repeating_leave_one_event(backend: Backend, how: str, after: bool) -> None:
    token = await backend.access_token()
    if how == "drop":
        await backend.drop_next(operation="create", after=after)
    else:
        await backend.answer_next(503, operation="create", keep_work=after)
    error = await failure(backend.calendar.create(token, ENTRY, MARK), token)
    assert isinstance(error, ServiceFailing)
    found = await backend.calendar.find(token, MARK)
    assert (found is not None) == after == bool(await backend.seen())
    made = await backend.calendar.create(token, ENTRY, MARK)
    assert found in (None, made)
    assert [seen.remote_id for seen in await backend.seen()] == [made.remote_id]


@pytest.mark.parametrize("after", [False, True], ids=["before-the-work", "after-the-work"])
@pytest.mark.parametrize("operation", ["update", "delete"])
async def test_a_dropped_change_is_ambiguous_and_can_be_repeated(backend: Backend, operation: Operation, after: bool) -> None:
    token = await backend.access_token()
    made = await backend.calendar.create(token, ENTRY, MARK)
    await backend.drop_next(operation=operation, after=after)
    error = await failure(call(backend, operation, token, made.remote_id), token)
    assert (type(error), error.status, error.code) == (ServiceFailing, None, "dropped")
    result = await call(backend, operation, token, made.remote_id)
    if operation == "delete":
        assert result is not after
    assert [seen.title for seen in await backend.seen()] == ([] if operation == "delete" else ["Later"])


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_token_that_is_not_taken_is_unauthorized(backend: Backend, operation: Operation) -> None:
    made = await backend.calendar.create(await backend.access_token(), ENTRY, MARK)
    error = await failure(call(backend, operation, "expired-access-token", made.remote_id), "expired-access-token")
    assert (type(error), error.status) == (Unauthorized, 401)


async def test_a_revoked_grants_access_token_is_unauthorized(backend: Backend) -> None:
    token = await backend.access_token()
    await backend.revoke_by_hand()
    assert isinstance(await failure(backend.calendar.create(token, ENTRY, MARK), token), Unauthorized)


async def test_closing_twice_is_fine(backend: Backend) -> None:
    await backend.calendar.close()
    await backend.calendar.close()
