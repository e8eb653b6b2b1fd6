"""Sending many records, each confirmed, with a progress bar where a person watches."""

import asyncio
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams.cli.brokers import admin_client, producer_client, require_topics
from streams.cli.errors import CommandError
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
    """How many were sent; every one is confirmed by all in-sync replicas. Raises CommandError: no broker, no topic, a record refused."""
    async with admin_client(kafka) as admin:
        await require_topics(admin, topic)
    sent = 0
    waiting: deque[tuple[int, asyncio.Future[object]]] = deque()
    async with producer_client(kafka) as producer:
        with _progress() as progress:
            bar = progress.add_task(topic, total=total)
            for record in records:
                confirmed = await producer.send(topic, key=record.key, value=record.value, headers=list(record.headers))
                waiting.append((record.line, confirmed))
                if len(waiting) >= _IN_FLIGHT:
                    sent += await _confirm(*waiting.popleft())
                    progress.update(bar, completed=sent)
            while waiting:
                sent += await _confirm(*waiting.popleft())
                progress.update(bar, completed=sent)
    return sent


async def _confirm(line: int, confirmed: "asyncio.Future[object]") -> int:
    try:
        await confirmed
    except KafkaError as error:
        raise CommandError(f"line {line} and perhaps later ones were not confirmed: {error}. Publishing again is harmless.") from None
    return 1


def _progress() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
