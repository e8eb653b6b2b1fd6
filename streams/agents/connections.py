"""The connections of the partitions held: rows with sealed tokens, their status, and what a grant or its end sets off."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from adapters.errors import CalendarError
from adapters.ports import TokenPort
from adapters.vault.seal import KeyRing
from adapters.vault.tokens import Grant, TokenKeeper
from schemas.codec import encode
from schemas.connections import ConnectionEvent, Service
from schemas.topics import Topics
from streams.agents.revoking import Revoker
from streams.domain.agenda import Calendar
from streams.domain.connection import (
    Connection,
    Held,
    closing,
    decode_connection_row,
    encode_connection_row,
    grant_died,
    retired,
    status_of,
    token_rotated,
)
from streams.domain.connection_events import Change, Heard, heard, on_connection_event
from streams.engine.producer import ConfirmedProducer
from streams.engine.table import ChangelogTable

__all__ = ["Connections", "grant_of"]

log = logging.getLogger(__name__)


def grant_of(provider_id: str, held: Held) -> Grant:
    return Grant(provider_id=provider_id, service=held.service, grant_id=held.grant_id, sealed_refresh_token=held.sealed_refresh_token)


#: Both take a partition and a provider_id.
Sweep = Callable[[int, str], Awaitable[int]]
OwesRemoval = Callable[[int, str, Calendar], bool]
#: Of a change (the rows before and after): the grant whose status is told, if any.
Shown = Callable[[Connection, Connection], Held | None]


def _nothing_shown(_before: Connection, _after: Connection) -> Held | None:
    return None


class Connections:
    """One writer per provider: every change of a row goes through `change`, confirmed before it counts."""

    def __init__(
        self,
        *,
        topics: Topics,
        table: ChangelogTable,
        producer: ConfirmedProducer,
        ring: KeyRing,
        token_ports: Mapping[Service, TokenPort],
        observe_refresh: Callable[[Service, str], None],
        observe_death: Callable[[Service], None],
        now: Callable[[], datetime],
    ) -> None:
        self._topics = topics
        self._table = table
        self._producer = producer
        self._revoker = Revoker(ring, token_ports)
        self._observe_death = observe_death
        self._now = now
        self._rows: dict[str, Connection] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._ending: set[str] = set()
        self._partition_of: dict[str, int] = {}
        self._sweep: Sweep | None = None
        self._owes_removal: OwesRemoval | None = None
        self.keeper = TokenKeeper(ring=ring, ports=token_ports, save=self._save_rotated, clock=now, observe=observe_refresh)

    def on_sweep(self, sweep: Sweep, owes_removal: OwesRemoval) -> None:
        """`sweep(partition, provider_id)` sends every entry of a provider to the bulk lane.

        `owes_removal(partition, provider_id, calendar)`: whether any of them may still have something on a calendar that is being left.
        """
        self._sweep, self._owes_removal = sweep, owes_removal

    def get(self, partition: int, provider_id: str) -> Connection:
        row = self._rows.get(provider_id)
        if row is None:
            stored = self._table.get_row(partition, provider_id.encode())
            row = decode_connection_row(stored) if stored is not None else Connection(provider_id=provider_id)
            self._rows[provider_id] = row
            self._partition_of[provider_id] = partition
        return row

    def holds(self, partition: int, provider_id: str, grant_id: str) -> bool:
        """Whether a grant is in force or still retiring."""
        grants = self.get(partition, provider_id).grants
        return grant_id not in self._ending and any(held.grant_id == grant_id for held in grants)

    async def change(
        self, partition: int, provider_id: str, evolve: Callable[[Connection], Connection], shown: Shown = _nothing_shown
    ) -> Connection:
        """Apply a change to the newest row, confirmed; the row after it.

        `shown(before, after)`: the grant that the portal is told about, if any. It is told before the row counts: a worker that is killed
        in between does both again.
        """
        async with self._locks.setdefault(provider_id, asyncio.Lock()):
            before = self.get(partition, provider_id)
            after = evolve(before)
            if after is not before:
                held = shown(before, after)
                if held is not None:
                    await self._publish_status(after, held)
                await (await self._table.write_row(partition, provider_id.encode(), encode_connection_row(after)))
                self._rows[provider_id] = after
            return after

    async def apply(self, partition: int, event: ConnectionEvent) -> tuple[Heard, Connection]:
        """Take a connection event: what it was, and the row before it. A repeat does again what a kill may have left undone.

        What it leaves to be ended is ended by `end_grants`, which has to follow before the event counts as done.
        """
        provider_id = event.provider_id
        change, what = Change.NONE, Heard.NEWS

        def evolve(row: Connection) -> Connection:
            nonlocal change, what
            what = heard(row, event)
            after, change = on_connection_event(row, event)
            return after

        before = self.get(partition, provider_id)
        after = await self.change(partition, provider_id, evolve, lambda before, after: after.current or before.current)
        for gone in {held.grant_id for held in before.grants} - {held.grant_id for held in after.grants}:  # replaced, same account
            self.keeper.forget(provider_id, gone)
        if change is Change.SWEEP and self._sweep is not None:
            count = await self._sweep(partition, provider_id)
            log.info("connection changed; entries go to the bulk lane", extra={"provider_id": provider_id, "entries": count})
        return what, before

    async def end_grants(self, partition: int, provider_id: str) -> None:
        """Revoke and forget whatever is not needed any more. Not before the newest event that is at hand was taken: it may be a new grant
        to the same account, which at Google the revocation of an older one would end too."""
        for held in closing(self.get(partition, provider_id)):
            await self._forget(provider_id, held)
            await self._drop(partition, provider_id, held.grant_id)
        await self.retire_done(partition, provider_id)

    async def _publish_status(self, row: Connection, shown: Held) -> None:
        status = status_of(row, shown, self._now())
        key = row.provider_id.encode()
        await (await self._producer.send(self._topics.connection_status, key, encode(status)))

    async def grant_died(self, partition: int, provider_id: str, grant_id: str, error: CalendarError) -> None:
        """The service called a grant dead: one status change, however many calls found out."""

        def shown(before: Connection, after: Connection) -> Held | None:
            if after.current is not None:
                if after.current.grant_id != grant_id:
                    return None
                extra = {"provider_id": provider_id, "service": after.current.service.value, "code": error.code}
                log.warning("a connection needs reconnecting", extra=extra)
                self._observe_death(after.current.service)
                return after.current
            return next((held for held in before.retiring if held.grant_id == grant_id), None)

        await self.change(partition, provider_id, lambda row: grant_died(row, grant_id, error.code), shown)
        self.keeper.forget(provider_id, grant_id)

    async def retire_done(self, partition: int, provider_id: str) -> None:
        """End every retiring grant that is not needed any more: nothing of ours is left to go from its calendar."""
        for held in self.get(partition, provider_id).retiring:
            if held.removing and self._owes_removal is not None and not self._owes_removal(partition, provider_id, held.calendar):
                await self._retire(partition, provider_id, held)

    async def open_one_mailbox(self, partition: int, provider_id: str, calendar: Calendar) -> None:
        """A calendar that is being left is the one in force. Its grant is forgotten, not revoked: at Google that would end the new one."""
        for held in self.get(partition, provider_id).retiring:
            if held.calendar == calendar:
                await self._drop(partition, provider_id, held.grant_id)
                self.keeper.forget(provider_id, held.grant_id)

    async def _retire(self, partition: int, provider_id: str, held: Held) -> None:
        """Revoke a grant, forget its tokens."""
        if held.grant_id in self._ending:
            return
        self._ending.add(held.grant_id)
        try:
            await self._forget(provider_id, held)
            await self.change(
                partition, provider_id, lambda row: retired(row, held.grant_id), lambda _, after: held if after.current is None else None
            )
        finally:
            self._ending.discard(held.grant_id)

    async def _drop(self, partition: int, provider_id: str, grant_id: str) -> None:
        """Out of the row; nobody is told."""
        await self.change(partition, provider_id, lambda row: retired(row, grant_id))

    async def _forget(self, provider_id: str, held: Held) -> None:
        """Tokens out of memory, and the grant revoked at the service where it can be. The row has lost them already or is about to."""
        self.keeper.forget(provider_id, held.grant_id)
        await self._revoker.revoke(grant_of(provider_id, held))

    async def _save_rotated(self, grant: Grant, sealed_refresh_token: str) -> None:
        partition = self._partition_of[grant.provider_id]
        await self.change(partition, grant.provider_id, lambda row: token_rotated(row, grant.grant_id, sealed_refresh_token))

    def tables_ready(self) -> None:
        """After a rebalance rows and tokens may be another worker's."""
        for provider_id, row in self._rows.items():
            for held in row.grants:
                self.keeper.forget(provider_id, held.grant_id)
        self._rows.clear()
        self._locks.clear()
        self._partition_of.clear()
