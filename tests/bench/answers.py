"""What an engine answered, in a form in which all engines can be compared: final states and intents, each as one hash."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.intents import Intent
from streams.domain.state import ClassState

__all__ = ["Answer", "WrongAnswerError", "check_standing", "intents_hash", "last_intents", "plain_state", "states_hash"]


class WrongAnswerError(Exception):
    """An engine did not do the work; its time says nothing."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`states`: of all classes. `intents`: of the set of all. `last`: of the last one of each (provider, class) in the log."""

    states: str
    intents: str
    last: str

    def check(self, engine: str, expected: "Answer") -> None:
        """Raises WrongAnswerError that names what differs."""
        wrong = [name for name in ("states", "intents", "last") if getattr(self, name) != getattr(expected, name)]
        if wrong:
            raise WrongAnswerError(f"{engine}: wrong {', '.join(wrong)}")


def plain_state(state: ClassState) -> Any:
    """A state as JSON types; wall times as ISO 8601."""
    return msgspec.to_builtins(
        {
            "version": state.version,
            "cancelled": state.cancelled,
            "students": sorted(state.students),
            "details": None if state.details is None else {name: getattr(state.details, name) for name in state.details.__struct_fields__},
        }
    )


def states_hash(states: Iterable[tuple[str, Any]]) -> str:
    """`states`: class_id and plain state."""
    return _hash(sorted(_line([class_id, state]) for class_id, state in states))


def intents_hash(values: Iterable[bytes]) -> str:
    """Of the set: a repeat, which at-least-once allows, changes nothing."""
    return _hash(sorted({_line(_meaning(msgspec.json.decode(value))) for value in values}))


def last_intents(values: Iterable[bytes]) -> str:
    last: dict[tuple[str, str], bytes] = {}
    for value in values:
        intent = msgspec.json.decode(value)
        last[(intent["provider_id"], intent["class_id"])] = _line(_meaning(intent))
    return _hash(sorted(last.values()))


def check_standing(found: Iterable[tuple[str, str, int]], intents: Sequence[Intent]) -> None:
    """That each event that stands, told by provider, class and revision, is what their last intent asks for. Raises WrongAnswerError.

    Of a burst the last state is written alone, and nothing at all where it equals what stands: an event may keep an older revision.
    """
    asked = {(intent.provider_id, intent.class_id, intent.revision): intent.entry for intent in intents}
    last = {(intent.provider_id, intent.class_id): intent.entry for intent in intents}
    wanted = Counter((*whose, entry) for whose, entry in last.items() if entry is not None)
    standing = Counter((provider_id, class_id, asked.get((provider_id, class_id, revision))) for provider_id, class_id, revision in found)
    if standing != wanted:
        unwanted, missing = (standing - wanted).total(), (wanted - standing).total()
        raise WrongAnswerError(f"the calendars show {unwanted} events that nobody asks for, and {missing} are missing")


def _meaning(intent: Mapping[str, Any]) -> list[Any]:
    """All of an intent but what caused it."""
    return [intent["id"], intent["provider_id"], intent["class_id"], intent["revision"], intent["entry"]]


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _hash(lines: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line + b"\n")
    return digest.hexdigest()
