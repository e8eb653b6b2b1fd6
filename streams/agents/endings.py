"""How the execution of one entry ends: done, resting, deferred, tried again or given up. Each writes the agenda where it changed."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from adapters.errors import CalendarError
from schemas.outcomes import OutcomeKind, Reason
from streams.agents.actions import Act, Actions, Run
from streams.agents.agendas import Agendas
from streams.agents.connections import Connections
from streams.agents.results import Ending, Results
from streams.agents.services import Services
from streams.domain.agenda import Agenda, at_calendar
from streams.domain.connection import Connection, Held
from streams.domain.reconcile import Adopt, Create, Delete, Seek, Update, leaving
from streams.domain.retry import Failure
from streams.domain.transitions import after_delete, after_look

__all__ = ["Endings"]

log = logging.getLogger(__name__)

#: What defers an entry without a call.
_ASKED_TO_REST = Failure(error_class="Throttled", reason=Reason.THROTTLED)

#: What it is told as when nothing was done for one of these reasons, for good.
_ENDED_AS = {Reason.ENDED: OutcomeKind.SKIPPED, Reason.DISMISSED: OutcomeKind.DISMISSED}


class Endings:
    """Those that return a bool: True when the entry ended here, False when it goes on to be reconciled."""

    def __init__(
        self,
        *,
        agendas: Agendas,
        connections: Connections,
        services: Services,
        results: Results,
        actions: Actions,
        now: Callable[[], datetime],
    ) -> None:
        self._agendas = agendas
        self._connections = connections
        self._services = services
        self._results = results
        self._actions = actions
        self._now = now
        #: Grants whose token cannot be opened, of which the log tells.
        self._told: set[str] = set()

    async def ending(self, run: Run, waiting: str | None) -> Ending:
        """The write of the agenda, where it changed, under way. `waiting`: why something is still owed, if so.

        Outcomes tell of the calendar in force: what was done last may have been about another.
        """
        current = self._connection(run).current
        if current is not None:
            run.agenda = at_calendar(run.agenda, current.calendar)
        if run.agenda.waiting != waiting:
            run.agenda = msgspec.structs.replace(run.agenda, waiting=waiting)
        row = [] if run.agenda == run.stored else [await self._agendas.write(run.partition, run.row_key, run.agenda, later=True)]
        return Ending(items=run.items, lead=run.lead, agenda=run.agenda, held=run.held, row=row)

    async def done(self, run: Run, reason: Reason | None) -> None:
        if run.refused is not None:
            run.held = run.refused[1].grant
            await self.dead_letter(run, *run.refused)
            return
        ending = await self.ending(run, None)
        stands, current = ending.agenda.applied is not None, self._connection(run).current
        if stands and current is not None and run.held is not None:
            ending.held = current
        done = OutcomeKind.DELETED if run.deleted and not stands else run.kind
        if done is not None:
            await self._results.conclude(ending, done)
        elif reason is not None:
            await self._results.conclude(ending, _ENDED_AS[reason], reason=reason)
        else:
            await self._results.conclude(ending, OutcomeKind.UNCHANGED)

    async def rest(self, run: Run, reason: Reason) -> bool:
        """Remember what is owed. False when the connection changed meanwhile: its sweep may have missed a row that was not local yet."""
        await self._save_waiting(run, reason)
        if self._connection(run) is not run.connection:
            return False
        await self._results.conclude(await self.ending(run, reason), OutcomeKind.WAITING, reason=reason)
        return True

    async def rest_unreadable(self, run: Run, held: Held, error: CalendarError) -> bool:
        """Nobody but an operator can help, with another key and a new start: it costs no attempt, and no provider their connection."""
        if held.grant_id not in self._told:
            self._told.add(held.grant_id)
            extra = {"provider_id": run.agenda.provider_id, "service": held.service.value, "grant_id": held.grant_id, "error": str(error)}
            log.error("the token of a connection cannot be opened: mend IMPACT_VAULT_KEYS and start again; its entries rest", extra=extra)
        return await self.rest(run, Reason.TOKEN_UNREADABLE)

    async def park(self, run: Run) -> bool:
        """Rest until the service answers again. False when it does already: the wake-up may have missed a row that was not local yet."""
        if run.held is None:
            raise RuntimeError("parked without a service")
        await self._save_waiting(run, Reason.SERVICE_FAILING)
        if self._services.is_well(run.held.service):
            return False
        self._services.park(run.held.service, (run.partition, run.row_key))
        await self._results.conclude(await self.ending(run, Reason.SERVICE_FAILING), OutcomeKind.WAITING, reason=Reason.SERVICE_FAILING)
        return True

    async def _save_waiting(self, run: Run, waiting: str) -> None:
        agenda = msgspec.structs.replace(run.agenda, waiting=waiting)
        if agenda != run.stored:
            await self._actions.save(run, agenda)

    async def defer(self, run: Run, until: datetime, failure: Failure = _ASKED_TO_REST) -> None:
        waiting = Reason.THROTTLED if failure is _ASKED_TO_REST else "retrying"
        await self._results.defer(await self.ending(run, waiting), failure, until)

    async def wait_on(self, run: Run, until: datetime) -> None:
        """A retry that came back before anybody may call again."""
        await self._results.defer(await self.ending(run, run.agenda.waiting), None, until)

    async def check_again(self, run: Run, until: datetime) -> None:
        """All is done, but an older call may still overtake it."""
        await self._results.check_again(await self.ending(run, None), run.kind or OutcomeKind.UNCHANGED, until)

    async def unsettled(self, run: Run, failure: Failure) -> None:
        if not await self._results.retry(await self.ending(run, "retrying"), failure, timedelta()):
            await self.dead_letter(run, failure, None)

    async def retry(self, run: Run, failure: Failure, wait: timedelta, action: Act) -> bool:
        """Where an event is to go from a calendar that is being left there is no last attempt: it would stand twice for good."""
        endless = self._leaves(run, action)
        if await self._results.retry(await self.ending(run, "retrying"), failure, wait, endless=endless):
            return True
        return await self.refused(run, failure, action)

    def _leaves(self, run: Run, action: Act) -> bool:
        """Whether an action is about a calendar that is being left."""
        return any(held.grant_id == action.grant.grant_id for held in self._connection(run).retiring)

    def _connection(self, run: Run) -> Connection:
        """As it is by now."""
        return self._connections.get(run.partition, run.agenda.provider_id)

    async def refused(self, run: Run, failure: Failure, action: Act) -> bool:
        """A dead letter; but where something is still to go from a calendar that is being left, that comes first. True when it ended."""
        owed = leaving(run.agenda, self._connection(run), self._now())
        if run.refused is None and owed is not None and owed.grant != action.grant:
            run.refused = failure, action
            return False
        await self.dead_letter(run, failure, action)
        return True

    async def dead_letter(self, run: Run, failure: Failure, action: Act | None) -> None:
        if action is not None and self._leaves(run, action):
            # Leaving a calendar must come to its end, and what shall stand on the new one is still owed.
            run.agenda = _given_up(run.agenda, action)
            await self._agendas.again(run.agenda)
        await self._results.dead_letter(await self.ending(run, "dead_lettered"), failure)


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
