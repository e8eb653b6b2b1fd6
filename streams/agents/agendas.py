"""The agenda table as the execute worker uses it: one entry, all entries of a provider, those that rest, those that are old."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from schemas.codec import encode
from schemas.outcomes import Reason
from schemas.topics import Topics
from streams.domain.agenda import Agenda, Calendar, decode_agenda, encode_agenda, forget_entry_on, intent_of, provider_prefix
from streams.domain.owed import may_be_owed, owes_removal
from streams.engine.producer import ConfirmedProducer, Row
from streams.engine.table import ChangelogTable

__all__ = ["Agendas"]

#: Why an entry may rest that a worker which starts may be able to execute.
_WOKEN_AT_START = (Reason.SERVICE_FAILING, Reason.TOKEN_UNREADABLE)

#: Entries sent to the bulk lane in one confirmed batch.
SWEEP_BATCH = 500


class Agendas:
    def __init__(self, *, topics: Topics, table: ChangelogTable, producer: ConfirmedProducer, now: Callable[[], datetime]) -> None:
        self._topics = topics
        self._table = table
        self._producer = producer
        self._now = now

    def get(self, partition: int, row_key: bytes) -> Agenda | None:
        row = self._table.get_row(partition, row_key)
        return decode_agenda(row) if row is not None else None

    async def write(self, partition: int, row_key: bytes, agenda: Agenda | None, *, later: bool = False) -> asyncio.Future[Any]:
        """Under way; local and safe when the future resolves. None forgets the entry. `later`: see ConfirmedProducer."""
        row = encode_agenda(agenda) if agenda is not None else None
        return await self._table.write_row(partition, row_key, row, later=later)

    def of_provider(self, partition: int, provider_id: str) -> Iterator[tuple[bytes, Agenda]]:
        for key, row in self._table.scan(partition, prefix=provider_prefix(provider_id)):
            yield key, decode_agenda(row)

    def owes_removal(self, partition: int, provider_id: str, calendar: Calendar) -> bool:
        """Whether anything of ours is still to go from a calendar that is being left."""
        now = self._now()
        return any(owes_removal(agenda, calendar, now) for _, agenda in self.of_provider(partition, provider_id))

    async def sweep(self, partition: int, provider_id: str) -> int:
        """Send every entry of a provider that may be owed something to the bulk lane, confirmed; how many."""
        now = self._now()
        entries = [agenda for _, agenda in self.of_provider(partition, provider_id) if may_be_owed(agenda, now)]
        return await self._to_bulk(entries)

    async def wake(self, keys: list[tuple[int, bytes]]) -> None:
        """Send entries that rested to the bulk lane, confirmed."""
        entries = [agenda for partition, key in keys if (agenda := self.get(partition, key)) is not None]
        await self._to_bulk(entries)

    async def again(self, agenda: Agenda) -> None:
        """Send an entry to the bulk lane, confirmed: it is executed once more, after what runs for it now."""
        await self._to_bulk([agenda])

    async def _to_bulk(self, entries: list[Agenda]) -> int:
        rows: list[Row] = [(agenda.provider_id.encode(), encode(intent)) for agenda in entries if (intent := intent_of(agenda)) is not None]
        for start in range(0, len(rows), SWEEP_BATCH):
            await asyncio.gather(*await self._producer.send_keyed(self._topics.intents_bulk, rows[start : start + SWEEP_BATCH]))
        return len(rows)

    async def resting(self, partition: int) -> list[bytes]:
        """Keys of the entries that rest because of a failing service, or of a vault key; a scan, in small steps."""
        found = []
        marks = [reason.encode() for reason in _WOKEN_AT_START]
        for seen, (key, row) in enumerate(self._table.scan(partition)):
            if any(mark in row for mark in marks) and decode_agenda(row).waiting in _WOKEN_AT_START:
                found.append(key)
            if seen % 2000 == 1999:
                await asyncio.sleep(0)
        return found

    def old(self, partition: int, start: bytes, today: date, days: int, step: int) -> tuple[list[Agenda], bytes]:
        """Entries to forget among the next `step`, and where the step after begins (the beginning again after the end)."""
        found: list[Agenda] = []
        for seen, (key, row) in enumerate(self._table.scan(partition, start)):
            if seen == step:
                return found, key
            agenda = decode_agenda(row)
            if forget_entry_on(agenda, today, days) <= today:
                found.append(agenda)
        return found, b""
