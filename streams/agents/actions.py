"""The calls that an action makes: the mark of a create is confirmed before its call, a look comes before a repeated create."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from adapters.errors import AlreadyExists, CalendarError, EventGone, LocalCode, Permanent, Retryable
from adapters.ports import CalendarPort, EventMark, RemoteEvent
from schemas.outcomes import OutcomeKind
from streams.agents.agendas import Agendas
from streams.agents.calls import Calls
from streams.agents.connections import Connections
from streams.agents.items import Item
from streams.agents.services import Services
from streams.domain.agenda import Agenda, Creating
from streams.domain.connection import Connection, Held
from streams.domain.owed import may_appear_for, still_wanted
from streams.domain.reconcile import Adopt, Create, Delete, Seek, Update
from streams.domain.retry import Failure
from streams.domain.transitions import (
    after_create,
    after_delete,
    after_gone,
    after_look,
    after_no,
    after_no_to_create,
    after_recognition,
    after_refusal,
    after_search,
    after_update,
    begin_again,
    begin_create,
    begin_delete,
    begin_update,
    next_generation,
)

__all__ = ["Act", "Actions", "Run"]

Act = Create | Adopt | Seek | Update | Delete


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
    #: An event was taken off a calendar, which need not be the one in force.
    deleted: bool = False
    held: Held | None = None
    #: As it was when what to do next was decided.
    connection: Connection | None = None
    #: What the calendar in force will not take, with the failure: a dead letter once nothing is left to go from other calendars.
    refused: tuple[Failure, Act] | None = None


class Actions:
    """`settle`: how long after a call began a service may still carry it out, though nobody awaits its answer any more."""

    def __init__(
        self,
        *,
        agendas: Agendas,
        connections: Connections,
        services: Services,
        calls: Calls,
        settle: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._agendas = agendas
        self._connections = connections
        self._services = services
        self._calls = calls
        self._settle = settle
        self._now = now

    async def perform(self, run: Run, action: Act) -> None:
        """Do it, and put into `run` what follows. Raises CalendarError; what was confirmed before stays confirmed."""
        match action:
            case Create():
                await self._create(run, action)
            case Adopt():
                await self._adopt(run, action)
            case Seek():
                await self._seek(run, action)
            case Update():
                await self._update(run, action)
            case Delete():
                await self._delete(run, action)
            case _:
                assert_never(action)

    async def _create(self, run: Run, create: Create) -> None:
        port = self._services.calendar(create.grant.service)
        token = await self._calls.token(run.agenda.provider_id, create.grant)
        await self.save(run, begin_create(run.agenda, create, self._now()))
        creating = run.agenda.creating
        if creating is None:
            raise RuntimeError("a create without its mark")
        if not self._connections.holds(run.partition, run.agenda.provider_id, creating.grant_id):
            # It ended while the mark was not local yet, so nobody saw that it was still needed.
            raise Retryable(create.grant.service, LocalCode.CONNECTION_FORGOTTEN, detail="the connection ended before the call")
        await self._send_create(run, Adopt(grant=create.grant, creating=creating), port, token)

    async def _send_create(self, run: Run, adopt: Adopt, port: CalendarPort, token: str) -> None:
        """Ask for the event of a mark that is confirmed. Where its id was used before, adopt what stands, or take the next generation."""
        creating = adopt.creating
        mark = _mark(run.agenda, creating.revision, creating.generation, creating.grant_id)
        try:
            event = await self._calls.call(
                "create", adopt.grant, run.agenda.provider_id, token, lambda bearer: port.create(bearer, creating.entry, mark)
            )
        except AlreadyExists:
            if await self._find(run, adopt, port, token):
                return
            await self.save(run, next_generation(run.agenda, creating))
            raise
        except Permanent:
            run.agenda = after_refusal(run.agenda, creating)
            raise
        except CalendarError as error:
            if error.leaves_doubt:  # the call may have gone out long after the mark was written: the time counts anew
                run.agenda = begin_again(run.agenda, creating, self._now())
            else:
                run.agenda = after_no_to_create(run.agenda, creating)
            raise
        run.agenda = after_create(run.agenda, creating, event)
        run.kind = OutcomeKind.CREATED

    async def _adopt(self, run: Run, adopt: Adopt) -> None:
        """A create was begun, here or by a worker that died: look for its event, then adopt it, try again, or give it up."""
        creating = adopt.creating
        port = self._services.calendar(adopt.grant.service)
        token = await self._calls.token(run.agenda.provider_id, adopt.grant)
        if await self._find(run, adopt, port, token):
            return
        wait = may_appear_for(creating, self._settle, self._now())
        if wait:
            raise _unsettled(adopt.grant, wait)
        connection = self._connections.get(run.partition, run.agenda.provider_id)
        if still_wanted(run.agenda, creating, connection, self._now()):
            await self._create_again(run, adopt, port, token)
        else:
            run.agenda = after_look(run.agenda, creating)

    async def _create_again(self, run: Run, adopt: Adopt, port: CalendarPort, token: str) -> None:
        await self.save(run, begin_again(run.agenda, adopt.creating, self._now()))
        if run.agenda.creating is None:
            raise RuntimeError("a create without its mark")
        try:
            await self._send_create(run, Adopt(grant=adopt.grant, creating=run.agenda.creating), port, token)
        except Permanent:
            desired = run.agenda.desired
            if desired is None or desired.entry == adopt.creating.entry:
                raise
        else:
            return
        # What was refused is the entry of before: the newest is still owed, under an id of its own.
        raise _unsettled(adopt.grant, self._settle)

    async def _find(self, run: Run, adopt: Adopt, port: CalendarPort, token: str) -> bool:
        """Look for the event of a mark; True when it stands and was adopted."""
        creating = adopt.creating
        mark = _mark(run.agenda, creating.revision, creating.generation, creating.grant_id)
        found = await self._look(run, adopt.grant, port, token, mark)
        if found is None:
            return False
        run.agenda = after_create(run.agenda, creating, found)
        run.kind = OutcomeKind.CREATED
        return True

    async def _seek(self, run: Run, seek: Seek) -> None:
        """A create in doubt that is not found is waited for: later nothing would find its event, were the grant that it began with dead."""
        grant, other = seek.grant, seek.other
        port = self._services.calendar(grant.service)
        token = await self._calls.token(run.agenda.provider_id, grant)
        found = await self._look(run, grant, port, token, _mark(run.agenda, other.revision, other.generation, grant.grant_id))
        if found is not None:
            run.agenda = after_recognition(run.agenda, seek, found)
            if not any(left.calendar == other.calendar for left in run.agenda.left):  # the very same event, not a copy
                await self._connections.open_one_mailbox(run.partition, run.agenda.provider_id, other.calendar)
            return
        wait = may_appear_for(other, self._settle, self._now()) if isinstance(other, Creating) else timedelta()
        if wait:
            raise _unsettled(grant, wait)
        run.agenda = after_search(run.agenda, seek)

    async def _look(self, run: Run, grant: Held, port: CalendarPort, token: str, mark: EventMark) -> RemoteEvent | None:
        return await self._calls.call("find", grant, run.agenda.provider_id, token, lambda bearer: port.find(bearer, mark))

    async def _update(self, run: Run, update: Update) -> None:
        port = self._services.calendar(update.grant.service)
        token = await self._calls.token(run.agenda.provider_id, update.grant)
        mark = _mark(run.agenda, update.revision, update.applied.generation, update.grant.grant_id)
        try:
            await self._change(
                "update", run, update, token, lambda bearer: port.update(bearer, update.applied.remote_id, update.entry, mark)
            )
        except EventGone:
            run.agenda = after_gone(run.agenda, update)
            return
        run.agenda = after_update(run.agenda, update)
        run.kind = OutcomeKind.CREATED if run.kind is OutcomeKind.CREATED else OutcomeKind.UPDATED

    async def _delete(self, run: Run, delete: Delete) -> None:
        port = self._services.calendar(delete.grant.service)
        token = await self._calls.token(run.agenda.provider_id, delete.grant)
        await self._change("delete", run, delete, token, lambda bearer: port.delete(bearer, delete.applied.remote_id))
        run.agenda = after_delete(run.agenda, delete)
        run.deleted = True

    async def _change(
        self, operation: str, run: Run, action: Update | Delete, token: str, send: Callable[[str], Awaitable[object]]
    ) -> None:
        """The call about an event that stands. That it goes out is confirmed before; whether it was answered is put into `run`."""
        await self.save(run, self._begun(run.agenda, action))
        try:
            await self._calls.call(operation, action.grant, run.agenda.provider_id, token, send)
        except CalendarError as error:
            run.agenda = self._begun(run.agenda, action) if error.leaves_doubt else after_no(run.agenda, action)
            raise

    def _begun(self, agenda: Agenda, action: Update | Delete) -> Agenda:
        until = self._now() + self._settle
        return begin_update(agenda, action, until) if isinstance(action, Update) else begin_delete(agenda, action, until)

    async def save(self, run: Run, agenda: Agenda) -> None:
        """Confirm the agenda before going on."""
        await (await self._agendas.write(run.partition, run.row_key, agenda))
        run.agenda = run.stored = agenda


def _unsettled(grant: Held, wait: timedelta) -> Retryable:
    return Retryable(grant.service, LocalCode.CREATE_UNSETTLED, detail="its event may still appear", retry_after=wait.total_seconds())


def _mark(agenda: Agenda, revision: int, generation: int, grant_id: str) -> EventMark:
    return EventMark(provider_id=agenda.provider_id, class_id=agenda.class_id, revision=revision, generation=generation, grant_id=grant_id)
