"""How an execution ends: outcomes, retries and dead letters, confirmed together with the agenda's row; then the records may be done."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from schemas.codec import encode
from schemas.intents import Intent, Lane
from schemas.outcomes import CHANGES, Outcome, OutcomeKind, Reason
from schemas.topics import Topics
from streams.agents.items import Item
from streams.domain.agenda import Agenda, intent_of
from streams.domain.connection import Held
from streams.domain.retry import Failure, RetryPolicy, dead_letter_headers, retry_headers
from streams.engine.producer import ConfirmedProducer
from streams.metrics import ExecuteMetrics

__all__ = ["Ending", "Results"]

log = logging.getLogger(__name__)

#: Why an entry that is as it shall be comes back once more.
OVERTAKEN = Failure(error_class="Overtaken", reason="an older call that was never answered may still be carried out")


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

    async def check_again(self, ending: Ending, kind: OutcomeKind, until: datetime) -> None:
        """All is done, and the newest state comes back through a tier once more, not before `until` where a tier waits as long."""
        tier = self._policy.tier_without_end(1, until - self._now())
        send = await self._send_to_tier(ending, OVERTAKEN, 0, tier, None)
        await self._end(ending, kind, [send])

    async def defer(self, ending: Ending, failure: Failure | None, until: datetime) -> None:
        """Back to a tier without a try, until then. Counts no attempt; an outcome tells of it where none told of an attempt before.

        `failure` None: it is a retry that came back early, and waits on.
        """
        attempts = ending.lead.tried.attempts
        tier = self._policy.tier_without_end(attempts, until - self._now())
        send = await self._send_to_tier(ending, failure, attempts, tier, until)
        silent = attempts > 0 or failure is None
        reason = failure.reason if failure is not None else None
        await self._end(ending, OutcomeKind.RETRYING, [send], reason=reason, next_try_at=until, silent=silent)

    async def retry(self, ending: Ending, failure: Failure, wait: timedelta, *, endless: bool = False) -> bool:
        """To the next tier, never sooner than `wait`. False, and nothing done, when the attempts are used up.

        `endless`: they never are; after the last tier comes the last tier again.
        """
        attempts = ending.lead.tried.attempts + 1
        tier = self._policy.tier_without_end(attempts, wait) if endless else self._policy.tier(attempts, wait)
        if tier is None:
            return False
        now = self._now()
        until = now + wait if wait > tier else None
        send = await self._send_to_tier(ending, failure, attempts, tier, until)
        await self._end(ending, OutcomeKind.RETRYING, [send], reason=failure.reason, next_try_at=max(now + tier, until or now))
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

    async def _send_to_tier(
        self, ending: Ending, failure: Failure | None, attempts: int, tier: timedelta, until: datetime | None
    ) -> asyncio.Future[Any]:
        lead, now = ending.lead, self._now()
        headers = retry_headers(lead.headers, source=lead.source, failure=failure, attempts=attempts, now=now, tier=tier, wait_until=until)
        return await self._producer.send(self._topics.retry(tier), lead.key, lead.value, headers=headers)

    async def _end(
        self,
        ending: Ending,
        kind: OutcomeKind,
        sends: list[asyncio.Future[Any]],
        *,
        reason: str | None = None,
        next_try_at: datetime | None = None,
        silent: bool = False,
    ) -> None:
        """`silent`: no outcome is told of the item that leads."""
        told = [item for item in ending.items if not (silent and item is ending.lead)]
        outcomes = [self._outcome(ending, item, kind, reason, next_try_at) for item in told] + self._ahead(ending, kind)
        sends = sends + ending.row
        for outcome in outcomes:
            sends.append(await self._producer.send(self._topics.outcomes, outcome.provider_id.encode(), encode(outcome), later=True))
        await asyncio.gather(*sends)
        for outcome in outcomes:
            self._count(outcome, ending.agenda)

    def _count(self, outcome: Outcome, agenda: Agenda) -> None:
        self._metrics.outcome(outcome.kind, outcome.service)
        happened = agenda.desired.occurred_at if agenda.desired is not None else None
        if outcome.kind in CHANGES and outcome.lane is Lane.LIVE and outcome.service is not None and happened is not None:
            self._metrics.shown(outcome.service, (outcome.at - happened).total_seconds())

    def _outcome(self, ending: Ending, item: Item, kind: OutcomeKind, reason: str | None, next_try_at: datetime | None) -> Outcome:
        desired = ending.agenda.desired
        if desired is not None and item.intent.revision < desired.revision:
            kind, reason, next_try_at = OutcomeKind.SUPERSEDED, None, None
        elif item is not ending.lead:
            kind, reason, next_try_at = OutcomeKind.UNCHANGED, Reason.REPEAT, None
        return self._told(ending, item.intent, item, kind, attempt=item.tried.attempts + 1, reason=reason, next_try_at=next_try_at)

    def _ahead(self, ending: Ending, kind: OutcomeKind) -> list[Outcome]:
        """What was done for the newest intent when the retry of an older one came first: its own record will find nothing to do."""
        newest = intent_of(ending.agenda)
        if kind not in CHANGES or newest is None or newest.revision <= ending.lead.intent.revision:
            return []
        return [self._told(ending, newest, ending.lead, kind, attempt=1)]

    def _told(
        self,
        ending: Ending,
        intent: Intent,
        item: Item,
        kind: OutcomeKind,
        *,
        attempt: int,
        reason: str | None = None,
        next_try_at: datetime | None = None,
    ) -> Outcome:
        applied = ending.agenda.applied
        return Outcome(
            intent_id=intent.id,
            provider_id=intent.provider_id,
            class_id=intent.class_id,
            revision=intent.revision,
            kind=kind,
            at=self._now(),
            lane=item.lane,
            attempt=attempt,
            service=ending.held.service if ending.held is not None else None,
            reason=reason,
            remote_id=applied.remote_id if applied is not None else None,
            generation=applied.generation if applied is not None else None,
            next_try_at=next_try_at,
        )
