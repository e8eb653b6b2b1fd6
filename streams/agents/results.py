"""How an execution ends: outcomes, retries and dead letters, confirmed together with the agenda's row, then the records are done."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from schemas.codec import encode
from schemas.outcomes import Outcome, OutcomeKind
from schemas.topics import Topics
from streams.agents.items import Item
from streams.domain.agenda import Agenda
from streams.domain.connection import Held
from streams.domain.retry import Failure, RetryPolicy, dead_letter_headers, retry_headers
from streams.engine.producer import ConfirmedProducer
from streams.metrics import ExecuteMetrics

__all__ = ["Ending", "Results"]

log = logging.getLogger(__name__)


class Ending:
    """What ends: the items of one key, the one that leads, the agenda after, the write of its row, and the grant used, if any."""

    __slots__ = ("agenda", "held", "items", "lead", "row")

    def __init__(self, *, items: list[Item], lead: Item, agenda: Agenda, held: Held | None, row: list[asyncio.Future[Any]]) -> None:
        self.items = items
        self.lead = lead
        self.agenda = agenda
        self.held = held
        self.row = row


class Results:
    def __init__(
        self,
        *,
        topics: Topics,
        producer: ConfirmedProducer,
        policy: RetryPolicy,
        metrics: ExecuteMetrics,
        now: Callable[[], datetime],
    ) -> None:
        self._topics = topics
        self._producer = producer
        self._policy = policy
        self._metrics = metrics
        self._now = now

    async def conclude(self, ending: Ending, kind: OutcomeKind, *, reason: str | None = None) -> None:
        """Nothing more to do with these records."""
        await self._end(ending, kind, [], reason=reason)

    async def defer(self, ending: Ending, until: datetime) -> None:
        """Back to a tier without a try: the mailbox was asked to rest until then. Counts no attempt."""
        attempts = ending.lead.tried.attempts
        failure = Failure(error_class="Throttled", reason="the mailbox was asked to rest")
        tier = self._policy.tier(min(max(attempts, 1), len(self._policy.tiers)), until - self._now())
        if tier is None:
            raise RuntimeError("there is no retry tier")
        await self._to_tier(ending, failure, attempts, tier, until)

    async def retry(self, ending: Ending, failure: Failure, wait: timedelta) -> bool:
        """To the next tier, never sooner than `wait`. False, and nothing done, when the attempts are used up."""
        attempts = ending.lead.tried.attempts + 1
        tier = self._policy.tier(attempts, wait)
        if tier is None:
            return False
        until = self._now() + wait if wait > tier else None
        await self._to_tier(ending, failure, attempts, tier, until)
        return True

    async def dead_letter(self, ending: Ending, failure: Failure) -> None:
        lead, now = ending.lead, self._now()
        attempts = lead.tried.attempts + 1
        headers = dead_letter_headers(lead.headers, source=lead.source, failure=failure, attempts=attempts, now=now)
        log.error(
            "an intent is given up and dead-lettered",
            extra={
                "intent_id": lead.intent.id,
                "provider_id": lead.intent.provider_id,
                "class_id": lead.intent.class_id,
                "error": failure.reason,
            },
        )
        send = await self._producer.send(self._topics.intents_dlq, lead.key, lead.value, headers=headers)
        await self._end(ending, OutcomeKind.DEAD_LETTERED, [send], reason=failure.reason)

    async def _to_tier(self, ending: Ending, failure: Failure, attempts: int, tier: timedelta, until: datetime | None) -> None:
        lead, now = ending.lead, self._now()
        headers = retry_headers(lead.headers, source=lead.source, failure=failure, attempts=attempts, now=now, tier=tier, wait_until=until)
        send = await self._producer.send(self._topics.retry(tier), lead.key, lead.value, headers=headers)
        await self._end(ending, OutcomeKind.RETRYING, [send], reason=failure.reason, next_try_at=max(now + tier, until or now))

    async def _end(
        self,
        ending: Ending,
        kind: OutcomeKind,
        sends: list[asyncio.Future[Any]],
        *,
        reason: str | None = None,
        next_try_at: datetime | None = None,
    ) -> None:
        outcomes = [self._outcome(ending, item, kind, reason, next_try_at) for item in ending.items]
        sends = sends + ending.row
        for outcome in outcomes:
            sends.append(await self._producer.send(self._topics.outcomes, outcome.provider_id.encode(), encode(outcome), later=True))
        await asyncio.gather(*sends)
        for outcome in outcomes:
            self._metrics.outcome(outcome.kind, outcome.service)
        for item in ending.items:
            item.done()

    def _outcome(self, ending: Ending, item: Item, kind: OutcomeKind, reason: str | None, next_try_at: datetime | None) -> Outcome:
        intent, applied, desired = item.intent, ending.agenda.applied, ending.agenda.desired
        if desired is not None and intent.revision < desired.revision:
            kind, reason, next_try_at = OutcomeKind.SUPERSEDED, None, None
        elif item is not ending.lead:
            kind, reason, next_try_at = OutcomeKind.UNCHANGED, "repeat", None
        return Outcome(
            intent_id=intent.id,
            provider_id=intent.provider_id,
            class_id=intent.class_id,
            revision=intent.revision,
            kind=kind,
            at=self._now(),
            lane=item.lane,
            attempt=item.tried.attempts + 1,
            service=ending.held.service if ending.held is not None else None,
            reason=reason,
            remote_id=applied.remote_id if applied is not None else None,
            generation=applied.generation if applied is not None else None,
            next_try_at=next_try_at,
        )
