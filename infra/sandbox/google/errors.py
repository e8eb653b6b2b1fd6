"""Google's error bodies. Shape: `{"error": {"errors": [{domain, reason, message}], "code", "message"}}`.

Source: developers.google.com/workspace/calendar/api/guides/errors.
"""

from collections.abc import Mapping

from infra.sandbox.answers import NO_HEADERS, Answer, Refusal, json_answer
from infra.sandbox.faults import FaultOrder, retry_headers

__all__ = ["error", "fault_answer", "invalid", "refuse", "required"]

_USAGE_LIMITS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"}
_CALENDAR = {"timeRangeEmpty", "cannotUseDefaultRemindersAndSpecifyOverride", "updatedMinTooLongAgo"}
_USUAL_REASON = {
    400: "badRequest",
    401: "authError",
    403: "rateLimitExceeded",
    404: "notFound",
    409: "duplicate",
    410: "deleted",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
}
_MESSAGES = {
    "authError": "Invalid Credentials",
    "rateLimitExceeded": "Rate Limit Exceeded",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "quotaExceeded": "Calendar usage limits exceeded.",
    "insufficientPermissions": "Request had insufficient authentication scopes.",
    "notFound": "Not Found",
    "duplicate": "The requested identifier already exists.",
    "deleted": "Resource has been deleted",
    "conditionNotMet": "Precondition Failed",
    "forbidden": "Forbidden",
    "backendError": "Backend Error",
    "timeRangeEmpty": "The specified time range is empty.",
}


def error(
    status: int,
    reason: str,
    message: str | None = None,
    *,
    location: tuple[str, str] | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    event_id: str | None = None,
) -> Answer:
    """`location`: (locationType, location), such as ("header", "If-Match")."""
    text = message or _MESSAGES.get(reason, reason)
    domain = "usageLimits" if reason in _USAGE_LIMITS else "calendar" if reason in _CALENDAR else "global"
    detail = {"domain": domain, "reason": reason, "message": text}
    if location is not None:
        detail["locationType"], detail["location"] = location
    body = {"error": {"errors": [detail], "code": status, "message": text}}
    return json_answer(status, body, headers=headers, event_id=event_id)


def refuse(
    status: int,
    reason: str,
    message: str | None = None,
    *,
    location: tuple[str, str] | None = None,
    event_id: str | None = None,
) -> Refusal:
    return Refusal(error(status, reason, message, location=location, event_id=event_id))


def invalid(message: str) -> Refusal:
    return refuse(400, "invalid", message)


def required(message: str) -> Refusal:
    return refuse(400, "required", message)


def fault_answer(fault: FaultOrder) -> Answer:
    status = fault.status or 503
    return error(status, fault.reason or _USUAL_REASON.get(status, "backendError"), headers=retry_headers(fault))
