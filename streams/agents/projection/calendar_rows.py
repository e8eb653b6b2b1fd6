"""From intents, outcomes and connection statuses to rows of the read model. Pure. Raises ContractViolation for what breaks its contract."""

from datetime import UTC, datetime

from adapters.read_model.facts import IntentFacts, OutcomeFacts, StepFacts, encode_facts, raw_facts
from adapters.read_model.rows import ConnectionRow, OutcomeRow, StepRow, clean
from adapters.read_model.views import HIDE, SHOW, Stage
from schemas.codec import check_key, decode_intent, decode_outcome, decode_status
from schemas.errors import ContractViolation
from schemas.intents import Intent
from schemas.outcomes import CHANGES, Outcome
from streams.domain.fold import RawRecord

__all__ = ["connection_row", "intent_of", "intent_step", "outcome_of", "outcome_row", "outcome_step"]

#: What the database holds in a BIGINT.
_LARGEST = 2**63 - 1


def intent_of(record: RawRecord) -> Intent:
    intent = decode_intent(record.value)
    _check(record, intent)
    return intent


def outcome_of(record: RawRecord) -> Outcome:
    outcome = decode_outcome(record.value)
    _check(record, outcome)
    return outcome


def intent_step(intent: Intent, record: RawRecord) -> StepRow:
    """An intent that was published twice has one step."""
    entry = intent.entry
    facts = IntentFacts()
    if entry is not None:
        facts = IntentFacts(show=True, starts_at=entry.starts_at, ends_at=entry.ends_at, time_zone=entry.time_zone)
    provider_id = clean(intent.provider_id)
    at = published_at(record) or _utc(intent.occurred_at)
    step = StepFacts(at, intent.revision, provider_id, SHOW if facts.show else HIDE, raw_facts(facts))
    return StepRow(clean(intent.class_id), f"i{intent.revision}:{provider_id}", Stage.INTENT.value, encode_facts(step))


def outcome_step(outcome: Outcome, partition: int, offset: int) -> StepRow:
    facts = OutcomeFacts(
        lane=outcome.lane,
        attempt=outcome.attempt,
        service=outcome.service,
        reason=outcome.reason,
        next_try_at=outcome.next_try_at,
        standing=outcome.remote_id is not None,
    )
    step = StepFacts(_utc(outcome.at), outcome.revision, clean(outcome.provider_id), outcome.kind.value, raw_facts(facts))
    return StepRow(clean(outcome.class_id), f"o{partition}:{offset}", Stage.OUTCOME.value, encode_facts(step))


def outcome_row(outcome: Outcome) -> OutcomeRow:
    changes = outcome.kind in CHANGES
    return OutcomeRow(
        clean(outcome.class_id),
        clean(outcome.provider_id),
        outcome.remote_id is not None,
        outcome.kind.value,
        outcome.revision,
        None if outcome.reason is None else clean(outcome.reason),
        None if outcome.service is None else outcome.service.value,
        None if outcome.next_try_at is None else _utc(outcome.next_try_at),
        outcome.kind.value if changes else None,
        _utc(outcome.at) if changes else None,
    )


def connection_row(record: RawRecord) -> ConnectionRow:
    status = decode_status(record.value)
    check_key(record.key, status.provider_id)
    return ConnectionRow(
        clean(status.provider_id),
        clean(status.grant_id),
        status.service.value,
        clean(status.email),
        status.state.value,
        _utc(status.connected_at),
        _utc(status.changed_at),
        None if status.reason is None else clean(status.reason),
    )


def published_at(record: RawRecord) -> datetime | None:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp >= 0 else None


def _check(record: RawRecord, found: Intent | Outcome) -> None:
    check_key(record.key, found.provider_id)
    if not 0 <= found.revision <= _LARGEST:
        raise ContractViolation("bad_data", "revision is out of range")


def _utc(at: datetime | None) -> datetime:
    """Ours are always aware; what is not is taken as UTC. Without any time: the beginning of Unix time, which sorts first."""
    if at is None:
        return datetime.fromtimestamp(0, UTC)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
