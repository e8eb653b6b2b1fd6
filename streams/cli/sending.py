"""Sending many records, each confirmed, with a progress bar where a person watches."""

import asyncio
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.access import Access
from streams.cli.brokers import admin_client, producer_client, require_topics
from streams.cli.errors import CommandError, StoppedError
from streams.engine.permissions import check_access
from streams.settings import KafkaSettings

__all__ = ["OutgoingRecord", "send_confirmed"]

#: Sent and not yet confirmed: enough to fill batches, few enough to bound memory.
_IN_FLIGHT = 2_000


@dataclass(frozen=True, kw_only=True)
class OutgoingRecord:
    """`line`: where it came from, to name it in an error."""

    line: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


async def send_confirmed(kafka: KafkaSettings, topic: str, records: Iterable[OutgoingRecord], total: int) -> int:
    """How many were sent; every one is confirmed by all in-sync replicas.

    Raises CommandError (no broker, no topic, a record refused), and StoppedError on Ctrl-C, when what was under way is confirmed.
    """
    sending = _Sending(topic, total)
    try:
        async with admin_client(kafka) as admin:
            await require_topics(admin, topic)
            await check_access(admin, Access(writes=(topic,)))
        async with producer_client(kafka) as producer:
            await sending.send(producer, records)
    except asyncio.CancelledError:
        raise StoppedError(f"stopped: {sending.confirmed()} of {total} confirmed; publishing again is harmless.") from None
    return sending.confirmed()


class _Sending:
    """How far it came."""

    def __init__(self, topic: str, total: int) -> None:
        self._topic = topic
        self._total = total
        self._sent = 0
        self._waiting: deque[tuple[int, asyncio.Future[object]]] = deque()

    def confirmed(self) -> int:
        """Those counted so far, and those that were confirmed since, by a producer that ended."""
        return self._sent + sum(record.done() and not record.cancelled() and not record.exception() for _, record in self._waiting)

    async def send(self, producer: AIOKafkaProducer, records: Iterable[OutgoingRecord]) -> None:
        with _progress() as progress:
            bar = progress.add_task(self._topic, total=self._total)
            for record in records:
                confirmed = await producer.send(self._topic, key=record.key, value=record.value, headers=list(record.headers))
                self._waiting.append((record.line, confirmed))
                if len(self._waiting) >= _IN_FLIGHT:
                    await self._confirm_oldest()
                    progress.update(bar, completed=self._sent)
            while self._waiting:
                await self._confirm_oldest()
                progress.update(bar, completed=self._sent)

    async def _confirm_oldest(self) -> None:
        line, confirmed = self._waiting[0]
        try:
            await asyncio.shield(confirmed)  # a stop leaves the record to the producer
        except KafkaError as error:
            raise CommandError(f"line {line} and perhaps later ones were not confirmed: {error}. Publishing again is harmless.") from None
        self._waiting.popleft()
        self._sent += 1


def _progress() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
