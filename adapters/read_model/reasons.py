"""Why something waits or failed, in plain words: our own stable words, and the services' errors as adapters.errors writes them."""

import re
from functools import lru_cache

from adapters.errors import NOT_CONFIGURED, LocalCode
from adapters.read_model.marks import MarkReason
from adapters.wording import SERVICE_NAMES
from schemas.connections import Service
from schemas.outcomes import Reason

__all__ = ["Why", "explain"]

#: As CalendarError makes it: `google: 429 rateLimitExceeded`, `microsoft: no answer timeout: detail`.
_ERROR = re.compile(r"(?P<service>google|microsoft): (?P<status>no answer|[0-9]{3}) (?P<code>[^:\s]+)(?:: .*)?", re.DOTALL)
_LIMIT = re.compile(r"limit|quota|throttl|toomany", re.IGNORECASE)

#: What is missing is in the log; people who wait for their calendar only need to know that it is not theirs to mend.
_OPERATOR = "what we have saved of the connection cannot be opened; an operator has to act"
_NOT_SET_UP = "the calendar service is not set up here; an operator has to act"

_OURS: dict[str, str] = {
    MarkReason.PENDING: "on its way to the calendar",
    MarkReason.REMOVING: "on its way off the calendar",
    MarkReason.NOT_BOOKED: "nobody has booked it",
    MarkReason.CANCELLED: "it is cancelled",
    MarkReason.ENDED: "it was over before it could be put on the calendar",
    MarkReason.DISMISSED: "it was removed from the calendar by hand; it comes back when its date, time or place changes",
    MarkReason.NOT_CONNECTED: "no calendar is connected",
    MarkReason.LEFT_STANDING: "it was left on the calendar when that was disconnected, and is not kept up to date",
    MarkReason.NEEDS_RECONNECT: "the calendar needs to be connected again",
    MarkReason.SERVICE_FAILING: "the calendar service has trouble; we go on as soon as it answers",
    Reason.REPEAT: "it was done already",
    Reason.THROTTLED: "the calendar service is limiting us",
    LocalCode.CREATE_UNSETTLED: "we are making sure that nothing stands twice",
    LocalCode.CONNECTION_FORGOTTEN: "the calendar was disconnected meanwhile",
    Reason.TOKEN_UNREADABLE: _OPERATOR,
    NOT_CONFIGURED: _NOT_SET_UP,
}


class Why(str):
    """Words that also have a short stable `word` to count by."""

    __slots__ = ("word",)
    word: str

    def __new__(cls, words: str, word: str) -> "Why":
        made = super().__new__(cls, words)
        made.word = word
        return made


@lru_cache(maxsize=1024)
def explain(reason: str | None, service: Service | None = None) -> Why:
    """A clause without a full stop. `service`: whose outcome it is, where the reason itself does not say."""
    if reason is None:
        return Why("the reason is not known", "unknown")
    if reason == MarkReason.SERVICE_FAILING and service is not None:
        return Why(f"{SERVICE_NAMES[service]} has trouble; we go on as soon as it answers", reason)
    if reason == Reason.THROTTLED:
        return Why(f"{SERVICE_NAMES[service]} is limiting us" if service else _OURS[reason], "limited")
    if reason in _OURS:
        return Why(_OURS[reason], reason)
    match = _ERROR.fullmatch(reason)
    if match is None:
        return Why(reason, "other")
    return _of_service(SERVICE_NAMES[Service(match["service"])], match["status"], match["code"])


def _of_service(name: str, status: str, code: str) -> Why:
    if code in _OURS:
        return Why(_OURS[code], code)
    if status == "no answer":
        return Why(f"{name} did not answer", "no_answer")
    if status == "429" or (status == "403" and _LIMIT.search(code)):
        return Why(f"{name} is limiting us", "limited")
    if status.startswith("5"):
        return Why(f"{name} has trouble of its own (error {status})", "service_trouble")
    if status == "401":
        return Why(f"{name} did not take our sign-in", "unauthorized")
    if status == "403":
        return Why(f"{name} does not allow it ({code})", "forbidden")
    return Why(f"{name} refused it ({status} {code})", "refused")
