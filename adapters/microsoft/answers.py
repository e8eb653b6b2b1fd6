"""What this product reads of Microsoft's answers: a slim shape for each, instead of the SDK's entities with their thousands of imports."""

from typing import Annotated, TypeVar

import msgspec

from adapters.errors import CalendarError, ServiceFailing
from adapters.http import HttpAnswer
from adapters.microsoft.mapping import CONTENT, GENERATION, REVISION
from adapters.ports import EventMark, RemoteEvent
from schemas.connections import Service

__all__ = ["ErrorAnswer", "EventAnswer", "PageAnswer", "TokenAnswer", "TokenErrorAnswer", "read"]

T = TypeVar("T", bound=msgspec.Struct)

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Token = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+$")]


class _Property(msgspec.Struct, frozen=True):
    id: str
    value: str = ""


class EventAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The `event` resource; the extended properties stand there only when they were asked for with `$expand`."""

    id: _Text
    single_value_extended_properties: tuple[_Property, ...] = ()

    def remote(self, mark: EventMark) -> RemoteEvent | None:
        """The event as the port gives it; None when its mark has another generation, or lacks its numbers."""
        revision = self.value_of(REVISION)
        if self.value_of(GENERATION) != str(mark.generation) or not revision.isdecimal():
            return None
        return RemoteEvent(remote_id=self.id, revision=int(revision), generation=mark.generation)

    def is_made_of(self, content: str) -> bool:
        """Whether the event was last written from the entry with this digest."""
        return self.value_of(CONTENT) == content

    def value_of(self, property_id: str) -> str:
        """Names of properties are not case-sensitive in Exchange."""
        wanted = property_id.casefold()
        return next((each.value for each in self.single_value_extended_properties if each.id.casefold() == wanted), "")


class PageAnswer(msgspec.Struct, frozen=True):
    value: tuple[EventAnswer, ...]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class _InnerError(msgspec.Struct, frozen=True):
    request_id: str | None = msgspec.field(name="request-id", default=None)


class _Error(msgspec.Struct, frozen=True, rename="camel"):
    """`message` is not read: it may quote what was sent."""

    code: str = ""
    inner_error: _InnerError | None = None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The `ODataError` resource."""

    error: _Error


class TokenAnswer(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.1. `expires_in` in seconds; `scope` is separated by spaces."""

    access_token: _Token
    expires_in: Annotated[int, msgspec.Meta(ge=1, le=366 * 86400)]
    refresh_token: _Token | None = None
    scope: str = ""


class TokenErrorAnswer(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.2 with Microsoft's additions. `error_description` is not read: it may name the user."""

    error: str
    error_codes: tuple[int, ...] = ()
    suberror: str = ""
    trace_id: str | None = None


def read(answer: HttpAnswer, shape: type[T]) -> T:
    """The body of a success. Raises ServiceFailing when it is not what Microsoft documents: the work may have been done all the same."""
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        failure: CalendarError = ServiceFailing(Service.MICROSOFT, "bad_answer", status=answer.status)
    # Raised outside of the handler: the decoder's error may quote the answer.
    raise failure
