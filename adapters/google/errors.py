"""Google's answers to the errors of adapters.errors, in one place.

Sources: Google's guide "Handle API errors" of the Calendar API, the error model of Google's APIs (`errors[].reason` of old,
`details[].reason` of google.rpc.ErrorInfo), RFC 6749 section 5.2 and Google's OAuth2 guide for the token endpoint.
Of an answer only its machine-readable words are kept: a message may quote the request.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from adapters.errors import (
    AlreadyExists,
    CalendarError,
    EventGone,
    Misconfigured,
    Permanent,
    ReconnectNeeded,
    Retryable,
    ServiceFailing,
    Throttled,
    Unauthorized,
)
from adapters.http import HttpAnswer, retry_after_seconds
from schemas.connections import Service

__all__ = ["LONG_WAITS", "OAUTH_ERRORS", "REASONS_OF_403", "STATUSES", "calendar_error", "token_error"]

ErrorClass = type[CalendarError]

#: What a status means by itself. 403 is split by REASONS_OF_403; every 5xx is ServiceFailing; any other status is Permanent.
STATUSES: Mapping[int, ErrorClass] = {
    400: Permanent,
    401: Unauthorized,
    403: Permanent,
    404: EventGone,
    408: ServiceFailing,
    409: AlreadyExists,
    410: EventGone,
    412: Retryable,
    425: Retryable,
    429: Throttled,
}

#: Why Google forbids. A 403 with none of these reasons is Permanent.
REASONS_OF_403: Mapping[str, ErrorClass] = {
    "rateLimitExceeded": Throttled,
    "userRateLimitExceeded": Throttled,
    "RATE_LIMIT_EXCEEDED": Throttled,
    "quotaExceeded": Throttled,
    "calendarUsageLimits": Throttled,
    "dailyLimitExceeded": Throttled,
    "insufficientPermissions": ReconnectNeeded,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": ReconnectNeeded,
    "accessNotConfigured": Misconfigured,
    "SERVICE_DISABLED": Misconfigured,
}

#: Limits that last for hours: what to wait when Google does not say.
LONG_WAITS: Mapping[str, timedelta] = {
    "quotaExceeded": timedelta(hours=1),
    "calendarUsageLimits": timedelta(hours=1),
    "dailyLimitExceeded": timedelta(hours=1),
}

#: The `error` word of the token and revoke endpoints.
OAUTH_ERRORS: Mapping[str, ErrorClass] = {
    "invalid_grant": ReconnectNeeded,
    "admin_policy_enforced": ReconnectNeeded,
    "invalid_scope": ReconnectNeeded,
    "invalid_client": Misconfigured,
    "unauthorized_client": Misconfigured,
    "deleted_client": Misconfigured,
    "disabled_client": Misconfigured,
    "invalid_request": Permanent,
    "unsupported_grant_type": Permanent,
    "rate_limit_exceeded": Throttled,
    "server_error": ServiceFailing,
    "internal_failure": ServiceFailing,
    "temporarily_unavailable": ServiceFailing,
}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Reason(msgspec.Struct, frozen=True):
    reason: str = ""
    location: str = ""


class _Error(msgspec.Struct, frozen=True):
    """Lists of reasons; what in them is of another shape is passed over, so that it does not hide the others."""

    errors: Any = None
    details: Any = None

    def reasons(self) -> tuple[_Reason, ...]:
        entries = [entry for part in (self.errors, self.details) if isinstance(part, list) for entry in part if isinstance(entry, dict)]
        return tuple(_Reason(_text(entry.get("reason")), _text(entry.get("location"))) for entry in entries)


class _Body(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class _OAuthBody(msgspec.Struct, frozen=True):
    error: str = ""


_body = msgspec.json.Decoder(_Body)
_oauth_body = msgspec.json.Decoder(_OAuthBody)


def calendar_error(answer: HttpAnswer, now: datetime, *, creating: bool = False) -> CalendarError:
    """The error for an answer of the Calendar API that is not a success.

    `creating`: no event is named in the request, so that 404 and 410 are about the calendar. Only then is 409 about the chosen id.
    """
    found = _reasons(answer.body)
    reasons = [word for reason in found if (word := _word(reason.reason))]
    telling = next((reason for reason in reasons if reason in REASONS_OF_403), None)
    code = telling or (reasons[0] if reasons else f"http_{answer.status}")
    kind = REASONS_OF_403[telling] if telling and answer.status == 403 else _kind(answer)
    if creating and kind is EventGone:
        kind = Permanent
    elif not creating and kind is AlreadyExists:
        kind = Retryable
    field = next((word for reason in found if (word := _word(reason.location))), "")
    return _make(kind, code, answer, now, detail=f"at {field}" if field else "")


def token_error(answer: HttpAnswer, now: datetime) -> CalendarError:
    """The error for an answer of the token or the revoke endpoint that is not a success."""
    try:
        word = _word(_oauth_body.decode(answer.body).error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # no OAuth error body: the status has to do
        word = ""
    kind = OAUTH_ERRORS.get(word)
    if kind is None or answer.status in (408, 429) or answer.status >= 500:
        kind = _token_kind(answer)
    return _make(kind, word or f"http_{answer.status}", answer, now)


def _kind(answer: HttpAnswer) -> ErrorClass:
    if answer.status >= 500 or answer.is_foreign:
        return ServiceFailing
    # the API never redirects: the address is not Google's API
    return Misconfigured if answer.status < 400 else STATUSES.get(answer.status, Permanent)


def _token_kind(answer: HttpAnswer) -> ErrorClass:
    # without a word of its own a token endpoint says nothing of the grant or of an event
    if answer.status in (401, 404, 410):
        return Misconfigured
    kind = _kind(answer)
    return kind if issubclass(kind, Retryable | Misconfigured) else Permanent


def _make(kind: ErrorClass, code: str, answer: HttpAnswer, now: datetime, *, detail: str = "") -> CalendarError:
    if not issubclass(kind, Retryable):
        return kind(Service.GOOGLE, code, status=answer.status, detail=detail)
    wait = retry_after_seconds(answer.headers, now)
    if wait is None and kind is Throttled and code in LONG_WAITS:
        wait = LONG_WAITS[code].total_seconds()
    return kind(Service.GOOGLE, code, status=answer.status, detail=detail, retry_after=wait)


def _reasons(body: bytes) -> tuple[_Reason, ...]:
    try:
        return _body.decode(body).error.reasons()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a proxy's page, or a body cut short: the status has to do
        return ()


def _word(text: str) -> str:
    """A vendor's word, fit for a metric's label and a log; anything else could be a quotation."""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\[\]]{0,63}", text) else ""
