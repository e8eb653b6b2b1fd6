"""What the fold remembers of one class, and how that is stored.

The format is msgpack, an array that begins with a format tag: `[1, version, cancelled, ...]`. A field may be added at the end, with a
default, without a new tag: older bytes then take the default. Anything else is a new struct with the next tag, and a decoder over both.
"""

from datetime import date, datetime

import msgspec

from schemas.events import Kind, Presence

__all__ = ["ClassDetails", "ClassState", "UnreadableStateError", "decode_state", "encode_state", "is_newer_state"]


class UnreadableStateError(ValueError):
    """The stored bytes are no class state of a known format.

    They were written by a newer release, or are damaged: run that release, or drop the table and fold the topic again.
    """


class ClassDetails(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What is known of a class once it has been scheduled. Wall times are naive, in `time_zone` (IANA); each provider stands once."""

    kind: Kind
    class_type: str
    title: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    location: str
    presence: Presence
    provider_ids: tuple[str, ...]
    url: str | None = None


class ClassState(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=1, gc=False):
    """One class as of `version`.

    `details` is None until the class is known. `students` is the roster: sorted, each once, so that equal rosters have equal bytes; it
    stands here and nowhere else. `last_event_on` is the day (UTC) of the last event folded, where its time was known. `kept_until` is a
    day that counts as its last one where that is later: it was moved into the past, which may be a mistake that is mended soon.
    """

    version: int
    cancelled: bool = False
    details: ClassDetails | None = None
    students: tuple[str, ...] = ()
    last_event_on: date | None = None
    kept_until: date | None = None

    @property
    def booked(self) -> bool:
        """At least one student on the roster, and not cancelled. A class that is not known yet has nothing to show."""
        return bool(self.students) and not self.cancelled and self.details is not None

    def __repr__(self) -> str:
        """Without the roster: a state may stand in a traceback."""
        return (
            f"ClassState(version={self.version}, cancelled={self.cancelled}, details={self.details!r}, "
            f"students=<{len(self.students)}>, last_event_on={self.last_event_on!r}, kept_until={self.kept_until!r})"
        )

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """msgspec's own would print the roster in a rich traceback."""
        return [
            ("version", self.version),
            ("cancelled", self.cancelled),
            ("details", self.details),
            ("students", f"<{len(self.students)}>"),
            ("last_event_on", self.last_event_on),
            ("kept_until", self.kept_until),
        ]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ClassState)


def encode_state(state: ClassState) -> bytes:
    """The bytes to store. Equal states give equal bytes."""
    return _encoder.encode(state)


def decode_state(stored: bytes) -> ClassState:
    """Raises UnreadableStateError."""
    try:
        return _decoder.decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # The codec's message names a place and a type, never a value of the roster.
        raise UnreadableStateError(f"the stored class state cannot be read: {error}") from None


class _Version(msgspec.Struct, array_like=True, tag=1, gc=False):
    version: int


_version = msgspec.msgpack.Decoder(_Version)


def is_newer_state(stored: bytes, other: bytes) -> bool:
    """Whether a stored state is of a later version than another of the same class. Raises msgspec.DecodeError."""
    return _version.decode(stored).version > _version.decode(other).version
