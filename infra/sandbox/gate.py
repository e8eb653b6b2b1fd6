"""The gate that every call to a simulated service passes: faults, concurrency, the work, the journal."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from infra.sandbox.answers import Answer, Refusal, to_response
from infra.sandbox.faults import FaultOrder, Strike
from infra.sandbox.journal import Entry
from infra.sandbox.mailboxes import Mailbox
from infra.sandbox.world import World

__all__ = ["Call", "pass_gate"]

Work = Callable[[], Answer]


class Call:
    """One call, as the gate sees it.

    `email`: whose mailbox, None when the call does not say (or its token is not known). `limit`: calls that mailbox may have under way at
    once. `fault_answer(fault)`: the vendor's way to say that error; `over_limit()`: what it says to one call too many.
    """

    __slots__ = ("email", "fault_answer", "limit", "mailbox", "operation", "over_limit", "service")

    def __init__(
        self,
        *,
        service: str,
        operation: str,
        email: str | None,
        mailbox: Mailbox | None,
        fault_answer: Callable[[FaultOrder], Answer],
        limit: int | None = None,
        over_limit: Callable[[], Answer] | None = None,
    ) -> None:
        self.service, self.operation, self.email, self.mailbox = service, operation, email, mailbox
        self.fault_answer, self.limit, self.over_limit = fault_answer, limit, over_limit


async def pass_gate(world: World, request: web.Request, call: Call, work: Work) -> web.StreamResponse:
    """Do `work` as the call's faults allow, write the journal, and answer (or cut the connection)."""
    strike = world.faults.strike(call.service, call.operation, call.email)
    with _in_flight(call.mailbox) as concurrency:
        if strike.latency_ms:
            await asyncio.sleep(strike.latency_ms / 1000)
        answer = _decide(call, strike, concurrency, work)
    dropped = strike.fault is not None and strike.fault.kind in ("drop_before", "drop_after")
    _record(world, call, strike, answer, concurrency, status=0 if dropped else answer.status)
    if dropped:
        return _cut(request)
    return to_response(answer)


def _decide(call: Call, strike: Strike, concurrency: int, work: Work) -> Answer:
    fault = strike.fault
    if fault is None:
        if call.limit is not None and call.over_limit is not None and concurrency > call.limit:
            return call.over_limit()
        return _attempt(work)
    if fault.kind == "drop_after":
        return _attempt(work)
    if fault.kind == "drop_before":
        return Answer(status=0)
    done = _attempt(work) if fault.keep_work else None
    answer = call.fault_answer(fault)
    if done is None:
        return answer
    return Answer(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        event_id=done.event_id,
        notifications=done.notifications,
        content_type=answer.content_type,
    )


def _attempt(work: Work) -> Answer:
    try:
        return work()
    except Refusal as refusal:
        return refusal.answer


@contextmanager
def _in_flight(mailbox: Mailbox | None) -> Iterator[int]:
    if mailbox is None:
        yield 1
        return
    mailbox.in_flight += 1
    concurrency = mailbox.in_flight
    mailbox.max_in_flight = max(mailbox.max_in_flight, concurrency)
    try:
        yield concurrency
    finally:
        mailbox.in_flight -= 1


def _record(world: World, call: Call, strike: Strike, answer: Answer, concurrency: int, *, status: int) -> None:
    if call.mailbox is not None:
        call.mailbox.notifications += answer.notifications
    world.journal.write(
        Entry(
            seq=world.journal.next_seq(),
            time=world.clock.now().timestamp(),
            service=call.service,
            operation=call.operation,
            email=call.email,
            event_id=answer.event_id,
            status=status,
            fault=strike.fault.kind if strike.fault else ("latency" if strike.latency_ms else None),
            concurrency=concurrency,
            notifications=answer.notifications,
        )
    )


def _cut(request: web.Request) -> web.Response:
    """Cut the TCP connection; aiohttp then finds nobody to write the response to."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
