"""The execute agent's core: for one (provider, class) at a time, reconcile and act until nothing is owed or it has to wait.

Every rule is in streams/domain (reconcile, retry, circuit); here data moves: rows, calls, outcomes, retries, dead letters.
"""

import asyncio
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any, assert_never, cast

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
from streams.agents.actions import Act, Actions, Run
from streams.agents.agendas import Agendas
from streams.agents.connections import Connections
from streams.agents.endings import Endings
from streams.agents.items import Forget, Item, Key, newest, rests_until
from streams.agents.services import Services
from streams.domain.agenda import Agenda, agenda_key, forget_entry_on, merge
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

__all__ = ["Executor"]

#: Actions for one entry in one go; a longer chain means that something outside keeps changing, and goes to a retry tier.
MAX_STEPS = 8


class Executor:
    """Executes entries; `actions` makes the calls, `endings` ends what is executed."""

    def __init__(
        self,
        *,
        agendas: Agendas,
        connections: Connections,
        services: Services,
        endings: Endings,
        actions: Actions,
        crash: Callable[[BaseException], Any],
        now: Callable[[], datetime],
    ) -> None:
        self._agendas = agendas
        self._connections = connections
        self._services = services
        self._endings = endings
        self._actions = actions
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
        wait_until = rests_until(items)
        if wait_until is not None and wait_until > self._now():
            await self._endings.wait_on(run, wait_until)
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
            run.connection = connection = self._connections.get(run.partition, run.agenda.provider_id)
            if run.refused is None:
                action = reconcile(run.agenda, connection, self._now())
            else:
                action = leaving(run.agenda, connection, self._now()) or Done()
            match action:
                case Done():
                    await self._endings.done(run, action.reason)
                    return
                case Rest():
                    if await self._endings.rest(run, action.reason):
                        return
                case Settle():
                    await self._endings.check_again(run, action.until)
                    return
                case Create() | Adopt() | Seek() | Update() | Delete():
                    if await self._take(run, action):
                        return
                case _:
                    assert_never(action)
        unsettled = Failure(error_class="Unsettled", reason=f"not settled after {MAX_STEPS} actions")
        await self._endings.unsettled(run, unsettled)

    async def _take(self, run: Run, action: Act) -> bool:
        """Take an action if a call may go out now. True when the entry ended here, False when it goes on to be reconciled."""
        run.held = action.grant
        until = self._services.resting_until(action.grant.service, run.agenda.provider_id, self._now())
        if until is not None:
            await self._endings.defer(run, until)
            return True
        if not self._services.allows(action.grant.service):
            return await self._endings.park(run)
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
                return await self._endings.rest_unreadable(run, action.grant, error)
            case Permanent() | EventGone():
                return await self._endings.refused(run, failure, action)
            case Retryable() if error.code == LocalCode.CREATE_UNSETTLED:
                await self._endings.defer(run, self._now() + timedelta(seconds=error.retry_after or 0.0), failure)
            case Misconfigured() | Retryable() if is_open:
                return await self._endings.park(run)
            case _:
                wait = timedelta(seconds=(error.retry_after or 0.0) if isinstance(error, Retryable) else 0.0)
                if isinstance(error, Throttled) and wait:
                    self._services.rest(action.grant.service, provider_id, self._now() + wait)
                return await self._endings.retry(run, failure, wait, action)
        return True
