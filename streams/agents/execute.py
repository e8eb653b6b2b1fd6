"""The execute agent's core: for one (provider, class) at a time, reconcile and act until nothing is owed or it has to wait.

Every rule is in streams/domain (reconcile, retry, circuit); here data moves: rows, calls, outcomes, retries, dead letters.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never, cast

import msgspec

from adapters.errors import (
    AlreadyExists,
    CalendarError,
    EventGone,
    Misconfigured,
    Permanent,
    ReconnectNeeded,
    Retryable,
    Throttled,
    Unauthorized,
)
from adapters.ports import CalendarPort, EventMark
from schemas.outcomes import OutcomeKind
from streams.agents.agendas import Agendas
from streams.agents.connections import Connections, grant_of
from streams.agents.items import Forget, Item, Key, newest
from streams.agents.results import Ending, Results
from streams.agents.services import SERVICE_FAILING, Services
from streams.domain.agenda import Agenda, agenda_key, forget_on, merge
from streams.domain.connection import Connection, Held
from streams.domain.reconcile import (
    Adopt,
    Create,
    Delete,
    Done,
    Rest,
    Update,
    after_create,
    after_delete,
    after_gone,
    after_look,
    after_update,
    begin_create,
    left_behind,
    next_generation,
    reconcile,
    still_wanted,
)
from streams.domain.retry import Failure, not_before
from streams.metrics import ExecuteMetrics

__all__ = ["Executor"]

log = logging.getLogger(__name__)

#: Actions for one entry in one go; a longer chain means that something outside keeps changing, and goes to a retry tier.
MAX_STEPS = 8

#: Errors that come from here, not from the service: they say nothing of its health.
LOCAL_CODES = frozenset({"vault_key_unknown", "sealed_token_unreadable", "connection_forgotten", "create_unsettled"})

Act = Create | Adopt | Update | Delete


@dataclass
class Run:
    """One entry being executed: its agenda as far as it is confirmed, and what was done."""

    partition: int
    row_key: bytes
    items: list[Item]
    lead: Item
    agenda: Agenda
    stored: Agenda | None
    kind: OutcomeKind | None = None
    held: Held | None = None


class Executor:
    """Executes entries. `settle`: how long after a create began its event may still appear."""

    def __init__(
        self,
        *,
        agendas: Agendas,
        connections: Connections,
        services: Services,
        results: Results,
        metrics: ExecuteMetrics,
        settle: timedelta,
        crash: Callable[[BaseException], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._agendas = agendas
        self._connections = connections
        self._services = services
        self._results = results
        self._metrics = metrics
        self._settle = settle
        self._crash = crash
        self._now = now

    async def __call__(self, key: Hashable, orders: list[Item | Forget]) -> None:
        """Everything that waited for one key. An error that nobody sorted crashes the worker: nothing is committed past it."""
        try:
            await self._execute(cast(Key, key), orders)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._crash(error)
            raise

    async def _execute(self, key: Key, orders: list[Item | Forget]) -> None:
        partition, provider_id, class_id = key
        row_key = agenda_key(provider_id, class_id)
        stored = self._agendas.get(partition, row_key)
        items = [order for order in orders if isinstance(order, Item)]
        if not items:
            await self._forget(partition, row_key, stored, [order for order in orders if isinstance(order, Forget)][-1])
            return
        agenda = stored or Agenda(provider_id=provider_id, class_id=class_id)
        for item in items:
            agenda = merge(agenda, item.intent)
        run = Run(partition=partition, row_key=row_key, items=items, lead=newest(items), agenda=agenda, stored=stored)
        self._services.unpark((partition, row_key))
        wait_until = not_before(run.lead.headers)
        if wait_until is not None and wait_until > self._now():
            await self._defer(run, wait_until)
            return
        await self._settle_entry(run)
        await self._retire_done(run)

    async def _forget(self, partition: int, row_key: bytes, stored: Agenda | None, order: Forget) -> None:
        if stored is not None and forget_on(stored, order.today, order.days) <= order.today:
            self._services.unpark((partition, row_key))
            await (await self._agendas.write(partition, row_key, None))

    async def _settle_entry(self, run: Run) -> None:
        for _ in range(MAX_STEPS):
            connection = self._connections.get(run.partition, run.agenda.provider_id)
            action = reconcile(run.agenda, connection, self._now())
            match action:
                case Done():
                    await self._done(run, action.reason)
                    return
                case Rest():
                    if await self._rest(run, action.reason, connection):
                        return
                case Create() | Adopt() | Update() | Delete():
                    if await self._take(run, action):
                        return
                case _:
                    assert_never(action)
        await self._retry(run, Failure(error_class="Unsettled", reason=f"not settled after {MAX_STEPS} actions"), timedelta())

    async def _take(self, run: Run, action: Act) -> bool:
        """Take an action if a call may go out now. True when the entry ended here, False when it goes on to be reconciled."""
        run.held = action.grant
        until = self._services.resting_until(run.agenda.provider_id, self._now())
        if until is not None:
            await self._defer(run, until)
            return True
        if not self._services.allows(action.grant.service):
            return await self._park(run)
        return await self._step(run, action)

    async def _step(self, run: Run, action: Act) -> bool:
        """One action. True when the entry ended here, False when it goes on to be reconciled."""
        service, mailbox = action.grant.service, run.agenda.provider_id
        failed: CalendarError | None = None
        try:
            await self._act(run, action)
        except asyncio.CancelledError:
            self._services.abandoned(service)
            raise
        except CalendarError as error:
            failed = error
        if failed is not None and failed.code in LOCAL_CODES:
            self._services.abandoned(service)
            is_open = False
        else:
            is_open = await self._services.answered(service, mailbox, failed)
        if failed is None:
            return False
        return await self._failed(run, action, failed, is_open)

    async def _act(self, run: Run, action: Act) -> None:
        match action:
            case Create():
                await self._create(run, action)
            case Adopt():
                await self._adopt(run, action)
            case Update():
                await self._update(run, action)
            case Delete():
                await self._delete(run, action)
            case _:
                assert_never(action)

    async def _create(self, run: Run, create: Create) -> None:
        port = self._services.calendar(create.grant.service)
        token = await self._token(run, create.grant)
        await self._save(run, begin_create(run.agenda, create, self._now()))
        creating = run.agenda.creating
        if creating is None:
            raise RuntimeError("a create without its mark")
        await self._send_create(run, Adopt(grant=create.grant, creating=creating), port, token)

    async def _send_create(self, run: Run, adopt: Adopt, port: CalendarPort, token: str) -> None:
        """Ask for the event of a mark that is confirmed. Where its id was used before, adopt what stands, or take the next generation."""
        creating = adopt.creating
        mark = _mark(run.agenda, creating.revision, creating.generation, creating.grant_id)
        try:
            event = await self._call("create", adopt.grant, run, token, lambda bearer: port.create(bearer, creating.entry, mark))
        except AlreadyExists:
            if await self._find(run, adopt, port, token):
                return
            await self._save(run, next_generation(run.agenda, creating))
            raise
        run.agenda = after_create(run.agenda, creating, event)
        run.kind = OutcomeKind.CREATED

    async def _adopt(self, run: Run, adopt: Adopt) -> None:
        """A create was begun, here or by a worker that died: look for its event, then adopt it, try again, or give it up."""
        creating = adopt.creating
        port = self._services.calendar(adopt.grant.service)
        token = await self._token(run, adopt.grant)
        if await self._find(run, adopt, port, token):
            return
        connection = self._connections.get(run.partition, run.agenda.provider_id)
        if still_wanted(run.agenda, creating, connection, self._now()):
            await self._send_create(run, adopt, port, token)
            return
        age = self._now() - creating.started_at
        if age < self._settle:
            wait = (self._settle - age).total_seconds()
            raise Retryable(adopt.grant.service, "create_unsettled", detail="its event may still appear", retry_after=wait)
        run.agenda = after_look(run.agenda, creating)

    async def _find(self, run: Run, adopt: Adopt, port: CalendarPort, token: str) -> bool:
        """Look for the event of a mark; True when it stands and was adopted."""
        creating = adopt.creating
        mark = _mark(run.agenda, creating.revision, creating.generation, creating.grant_id)
        found = await self._call("find", adopt.grant, run, token, lambda bearer: port.find(bearer, mark))
        if found is None:
            return False
        run.agenda = after_create(run.agenda, creating, found)
        run.kind = OutcomeKind.CREATED
        return True

    async def _update(self, run: Run, update: Update) -> None:
        port = self._services.calendar(update.grant.service)
        token = await self._token(run, update.grant)
        mark = _mark(run.agenda, update.revision, update.applied.generation, update.grant.grant_id)
        try:
            await self._call(
                "update", update.grant, run, token, lambda bearer: port.update(bearer, update.applied.remote_id, update.entry, mark)
            )
        except EventGone:
            run.agenda = after_gone(run.agenda, update)
            return
        run.agenda = after_update(run.agenda, update)
        run.kind = OutcomeKind.CREATED if run.kind is OutcomeKind.CREATED else OutcomeKind.UPDATED

    async def _delete(self, run: Run, delete: Delete) -> None:
        port = self._services.calendar(delete.grant.service)
        token = await self._token(run, delete.grant)
        await self._call("delete", delete.grant, run, token, lambda bearer: port.delete(bearer, delete.applied.remote_id))
        run.agenda = after_delete(run.agenda)
        run.kind = OutcomeKind.DELETED

    async def _token(self, run: Run, held: Held) -> str:
        return await self._connections.keeper.access_token(grant_of(run.agenda.provider_id, held))

    async def _call(self, operation: str, held: Held, run: Run, token: str, send: Callable[[str], Any]) -> Any:
        """One call; after a 401 the token is refreshed and it is made once more."""
        try:
            return await self._measured(operation, held, send(token))
        except Unauthorized:
            keeper, grant = self._connections.keeper, grant_of(run.agenda.provider_id, held)
            keeper.invalidate(grant, token)
            fresh = await keeper.access_token(grant)
            return await self._measured(operation, held, send(fresh))

    async def _measured(self, operation: str, held: Held, call: Any) -> Any:
        self._metrics.call_began(held.service)
        started = time.perf_counter()
        result = "cancelled"
        try:
            answer = await call
            result = "ok"
            return answer
        except CalendarError as error:
            result = type(error).__name__
            raise
        finally:
            self._metrics.call_ended(held.service, operation, result, time.perf_counter() - started)

    async def _failed(self, run: Run, action: Act, error: CalendarError, is_open: bool) -> bool:
        """Sort an error by what happens next. True when the entry ended here, False when it goes on to be reconciled."""
        provider_id = run.agenda.provider_id
        failure = Failure(error_class=type(error).__name__, reason=str(error))
        match error:
            case AlreadyExists():
                return False
            case ReconnectNeeded():
                await self._connections.grant_died(run.partition, provider_id, action.grant.grant_id, error)
                return False
            case Permanent() | EventGone():
                await self._dead_letter(run, failure, action)
            case Misconfigured() | Retryable() if is_open:
                return await self._park(run)
            case _:
                wait = timedelta(seconds=(error.retry_after or 0.0) if isinstance(error, Retryable) else 0.0)
                if isinstance(error, Throttled) and wait:
                    self._services.rest(provider_id, self._now() + wait)
                await self._retry(run, failure, wait, action)
        return True

    async def _save(self, run: Run, agenda: Agenda) -> None:
        """Confirm the agenda before going on."""
        await (await self._agendas.write(run.partition, run.row_key, agenda))
        run.agenda = run.stored = agenda

    async def _ending(self, run: Run, waiting: str | None) -> Ending:
        """The write of the agenda, where it changed, under way. `waiting`: why something is still owed, if so."""
        if run.agenda.waiting != waiting:
            run.agenda = msgspec.structs.replace(run.agenda, waiting=waiting)
        row = [] if run.agenda == run.stored else [await self._agendas.write(run.partition, run.row_key, run.agenda)]
        return Ending(items=run.items, lead=run.lead, agenda=run.agenda, held=run.held, row=row)

    async def _done(self, run: Run, reason: str) -> None:
        kinds = {"ended": OutcomeKind.SKIPPED, "dismissed": OutcomeKind.DISMISSED}
        kind = run.kind or kinds.get(reason, OutcomeKind.UNCHANGED)
        why = reason if run.kind is None and reason in kinds else None
        await self._results.conclude(await self._ending(run, None), kind, reason=why)

    async def _rest(self, run: Run, reason: str, connection: Connection) -> bool:
        """Remember what is owed. False when the connection changed meanwhile: its sweep may have missed a row that was not local yet."""
        await self._save_waiting(run, reason)
        if self._connections.get(run.partition, run.agenda.provider_id) is not connection:
            return False
        await self._results.conclude(await self._ending(run, reason), OutcomeKind.WAITING, reason=reason)
        return True

    async def _park(self, run: Run) -> bool:
        """Rest until the service answers again. False when it does already: the wake-up may have missed a row that was not local yet."""
        if run.held is None:
            raise RuntimeError("parked without a service")
        await self._save_waiting(run, SERVICE_FAILING)
        if self._services.is_well(run.held.service):
            return False
        self._services.park(run.held.service, (run.partition, run.row_key))
        await self._results.conclude(await self._ending(run, SERVICE_FAILING), OutcomeKind.WAITING, reason=SERVICE_FAILING)
        return True

    async def _save_waiting(self, run: Run, waiting: str) -> None:
        agenda = msgspec.structs.replace(run.agenda, waiting=waiting)
        if agenda != run.stored:
            await self._save(run, agenda)

    async def _defer(self, run: Run, until: datetime) -> None:
        await self._results.defer(await self._ending(run, "throttled"), until)

    async def _retry(self, run: Run, failure: Failure, wait: timedelta, action: Act | None = None) -> None:
        if not await self._results.retry(await self._ending(run, "retrying"), failure, wait):
            await self._dead_letter(run, failure, action)

    async def _dead_letter(self, run: Run, failure: Failure, action: Act | None) -> None:
        retiring = self._connections.get(run.partition, run.agenda.provider_id).retiring
        if isinstance(action, Delete) and any(held.grant_id == action.grant.grant_id for held in retiring):
            run.agenda = left_behind(run.agenda)  # a disconnect must come to its end
        await self._results.dead_letter(await self._ending(run, "dead_lettered"), failure)

    async def _retire_done(self, run: Run) -> None:
        """When this was the last entry that kept a retiring grant, the grant ends."""
        provider_id = run.agenda.provider_id
        for held in self._connections.get(run.partition, provider_id).retiring:
            if held.removing and not self._agendas.owes_removal(run.partition, provider_id, held.calendar):
                await self._connections.retire(run.partition, provider_id, held)


def _mark(agenda: Agenda, revision: int, generation: int, grant_id: str) -> EventMark:
    return EventMark(provider_id=agenda.provider_id, class_id=agenda.class_id, revision=revision, generation=generation, grant_id=grant_id)
