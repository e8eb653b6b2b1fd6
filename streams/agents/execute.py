"""The execute agent's core: for one (provider, class) at a time, reconcile and act until nothing is owed or it has to wait.

Every rule is in streams/domain (reconcile, retry, circuit); here data moves: rows, calls, outcomes, retries, dead letters.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never, cast

import msgspec

from adapters.errors import (
    AlreadyExists,
    CalendarError,
    EventGone,
    LocalCode,
    Misconfigured,
    Permanent,
    ReconnectNeeded,
    Retryable,
    Throttled,
)
from schemas.outcomes import OutcomeKind, Reason
from streams.agents.actions import Act, Actions, Run
from streams.agents.agendas import Agendas
from streams.agents.connections import Connections
from streams.agents.items import Forget, Item, Key, newest, rests_until
from streams.agents.results import Ending, Results
from streams.agents.services import Services
from streams.domain.agenda import Agenda, agenda_key, at_calendar, forget_entry_on, merge
from streams.domain.connection import Connection
from streams.domain.reconcile import (
    Adopt,
    Create,
    Delete,
    Done,
    Rest,
    Seek,
    Settle,
    Update,
    leaving,
    reconcile,
)
from streams.domain.retry import Failure
from streams.domain.transitions import after_delete, after_look

__all__ = ["Executor"]

log = logging.getLogger(__name__)

#: Actions for one entry in one go; a longer chain means that something outside keeps changing, and goes to a retry tier.
MAX_STEPS = 8

#: What defers an entry without a call.
_ASKED_TO_REST = Failure(error_class="Throttled", reason=Reason.THROTTLED)

#: What it is told as when nothing was done for one of these reasons, for good.
_ENDED_AS = {Reason.ENDED: OutcomeKind.SKIPPED, Reason.DISMISSED: OutcomeKind.DISMISSED}


class Executor:
    """Executes entries; `actions` makes the calls, `results` ends what is executed."""

    def __init__(
        self,
        *,
        agendas: Agendas,
        connections: Connections,
        services: Services,
        results: Results,
        actions: Actions,
        crash: Callable[[BaseException], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._agendas = agendas
        self._connections = connections
        self._services = services
        self._results = results
        self._actions = actions
        self._crash = crash
        self._now = now
        #: Grants whose token cannot be opened, of which the log tells.
        self._told: set[str] = set()

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
        wait_until = rests_until(items)
        if wait_until is not None and wait_until > self._now():
            await self._results.defer(await self._ending(run, run.agenda.waiting), None, wait_until)
        else:
            await self._settle_entry(run)
            await self._connections.retire_done(partition, provider_id)
        for item in items:  # not before the grant has ended too: nothing else would come back to it
            item.done()

    async def _forget(self, partition: int, row_key: bytes, stored: Agenda | None, order: Forget) -> None:
        if stored is not None and forget_entry_on(stored, order.today, order.days) <= order.today:
            self._services.unpark((partition, row_key))
            await (await self._agendas.write(partition, row_key, None, later=True))

    async def _settle_entry(self, run: Run) -> None:
        for _ in range(MAX_STEPS):
            connection = self._connections.get(run.partition, run.agenda.provider_id)
            if run.refused is None:
                action = reconcile(run.agenda, connection, self._now())
            else:
                action = leaving(run.agenda, connection, self._now()) or Done()
            match action:
                case Done():
                    await self._done(run, action.reason)
                    return
                case Rest():
                    if await self._rest(run, action.reason, connection):
                        return
                case Settle():
                    kind = run.kind or OutcomeKind.UNCHANGED
                    await self._results.check_again(await self._ending(run, None), kind, action.until)
                    return
                case Create() | Adopt() | Seek() | Update() | Delete():
                    if await self._take(run, action):
                        return
                case _:
                    assert_never(action)
        unsettled = Failure(error_class="Unsettled", reason=f"not settled after {MAX_STEPS} actions")
        if not await self._results.retry(await self._ending(run, "retrying"), unsettled, timedelta()):
            await self._dead_letter(run, unsettled, None)

    async def _take(self, run: Run, action: Act) -> bool:
        """Take an action if a call may go out now. True when the entry ended here, False when it goes on to be reconciled."""
        run.held = action.grant
        until = self._services.resting_until(action.grant.service, run.agenda.provider_id, self._now())
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
            await self._actions.perform(run, action)
        except asyncio.CancelledError:
            self._services.abandoned(service)
            raise
        except CalendarError as error:
            failed = error
        if failed is not None and failed.is_local:
            self._services.abandoned(service)
            is_open = False
        else:
            is_open = await self._services.answered(service, mailbox, failed)
        if failed is None:
            return False
        return await self._failed(run, action, failed, is_open)

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
            case Misconfigured() if error.is_local:
                return await self._rest_unreadable(run, error)
            case Permanent() | EventGone():
                return await self._refused(run, failure, action)
            case Retryable() if error.code == LocalCode.CREATE_UNSETTLED:
                await self._defer(run, self._now() + timedelta(seconds=error.retry_after or 0.0), failure)
            case Misconfigured() | Retryable() if is_open:
                return await self._park(run)
            case _:
                wait = timedelta(seconds=(error.retry_after or 0.0) if isinstance(error, Retryable) else 0.0)
                if isinstance(error, Throttled) and wait:
                    self._services.rest(action.grant.service, provider_id, self._now() + wait)
                return await self._retry(run, failure, wait, action)
        return True

    async def _ending(self, run: Run, waiting: str | None) -> Ending:
        """The write of the agenda, where it changed, under way. `waiting`: why something is still owed, if so.

        Outcomes tell of the calendar in force: what was done last may have been about another.
        """
        current = self._connections.get(run.partition, run.agenda.provider_id).current
        if current is not None:
            run.agenda = at_calendar(run.agenda, current.calendar)
        if run.agenda.waiting != waiting:
            run.agenda = msgspec.structs.replace(run.agenda, waiting=waiting)
        row = [] if run.agenda == run.stored else [await self._agendas.write(run.partition, run.row_key, run.agenda, later=True)]
        return Ending(items=run.items, lead=run.lead, agenda=run.agenda, held=run.held, row=row)

    async def _done(self, run: Run, reason: Reason | None) -> None:
        if run.refused is not None:
            run.held = run.refused[1].grant
            await self._dead_letter(run, *run.refused)
            return
        ending = await self._ending(run, None)
        stands = ending.agenda.applied is not None
        current = self._connections.get(run.partition, run.agenda.provider_id).current
        if stands and current is not None and run.held is not None:
            ending.held = current
        done = OutcomeKind.DELETED if run.deleted and not stands else run.kind
        if done is not None:
            await self._results.conclude(ending, done)
        elif reason is not None:
            await self._results.conclude(ending, _ENDED_AS[reason], reason=reason)
        else:
            await self._results.conclude(ending, OutcomeKind.UNCHANGED)

    async def _rest(self, run: Run, reason: Reason, connection: Connection) -> bool:
        """Remember what is owed. False when the connection changed meanwhile: its sweep may have missed a row that was not local yet."""
        await self._save_waiting(run, reason)
        if self._connections.get(run.partition, run.agenda.provider_id) is not connection:
            return False
        await self._results.conclude(await self._ending(run, reason), OutcomeKind.WAITING, reason=reason)
        return True

    async def _rest_unreadable(self, run: Run, error: CalendarError) -> bool:
        """Nobody but an operator can help, with another key and a new start: it costs no attempt, and no provider their connection."""
        held = run.held
        if held is not None and held.grant_id not in self._told:
            self._told.add(held.grant_id)
            extra = {"provider_id": run.agenda.provider_id, "service": held.service.value, "grant_id": held.grant_id, "error": str(error)}
            log.error("the token of a connection cannot be opened: mend IMPACT_VAULT_KEYS and start again; its entries rest", extra=extra)
        connection = self._connections.get(run.partition, run.agenda.provider_id)
        return await self._rest(run, Reason.TOKEN_UNREADABLE, connection)

    async def _park(self, run: Run) -> bool:
        """Rest until the service answers again. False when it does already: the wake-up may have missed a row that was not local yet."""
        if run.held is None:
            raise RuntimeError("parked without a service")
        await self._save_waiting(run, Reason.SERVICE_FAILING)
        if self._services.is_well(run.held.service):
            return False
        self._services.park(run.held.service, (run.partition, run.row_key))
        await self._results.conclude(await self._ending(run, Reason.SERVICE_FAILING), OutcomeKind.WAITING, reason=Reason.SERVICE_FAILING)
        return True

    async def _save_waiting(self, run: Run, waiting: str) -> None:
        agenda = msgspec.structs.replace(run.agenda, waiting=waiting)
        if agenda != run.stored:
            await self._actions.save(run, agenda)

    async def _defer(self, run: Run, until: datetime, failure: Failure = _ASKED_TO_REST) -> None:
        waiting = Reason.THROTTLED if failure is _ASKED_TO_REST else "retrying"
        await self._results.defer(await self._ending(run, waiting), failure, until)

    async def _retry(self, run: Run, failure: Failure, wait: timedelta, action: Act) -> bool:
        """Where an event is to go from a calendar that is being left there is no last attempt: it would stand twice for good."""
        endless = self._leaves(run, action)
        if await self._results.retry(await self._ending(run, "retrying"), failure, wait, endless=endless):
            return True
        return await self._refused(run, failure, action)

    def _leaves(self, run: Run, action: Act) -> bool:
        """Whether an action is about a calendar that is being left."""
        retiring = self._connections.get(run.partition, run.agenda.provider_id).retiring
        return any(held.grant_id == action.grant.grant_id for held in retiring)

    async def _refused(self, run: Run, failure: Failure, action: Act) -> bool:
        """A dead letter; but where something is still to go from a calendar that is being left, that comes first. True when it ended."""
        connection = self._connections.get(run.partition, run.agenda.provider_id)
        owed = leaving(run.agenda, connection, self._now())
        if run.refused is None and owed is not None and owed.grant != action.grant:
            run.refused = failure, action
            return False
        await self._dead_letter(run, failure, action)
        return True

    async def _dead_letter(self, run: Run, failure: Failure, action: Act | None) -> None:
        if action is not None and self._leaves(run, action):
            # Leaving a calendar must come to its end, and what shall stand on the new one is still owed.
            run.agenda = _given_up(run.agenda, action)
            await self._agendas.again(run.agenda)
        await self._results.dead_letter(await self._ending(run, "dead_lettered"), failure)


def _given_up(agenda: Agenda, action: Act) -> Agenda:
    """The agenda after what was to go from a calendar that is being left is given up: an event, or a create that was begun there."""
    match action:
        case Delete():
            return after_delete(agenda, action)
        case Adopt():
            return after_look(agenda, action.creating)
        case Create() | Seek() | Update():
            return agenda
        case _:
            assert_never(action)
