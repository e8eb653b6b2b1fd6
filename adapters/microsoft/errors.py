"""Microsoft's answers to the errors of adapters.errors, in one place.

Sources: Graph's error reference and its Outlook error codes, the Microsoft identity platform's error handling guide, RFC 6749 section 5.2,
RFC 6750 section 3.1, and what integrators report in public issue threads (named where used). The code says more than the status, so it
is asked first. Of an answer only its machine-readable words are kept: a message may quote the request or name the user.
"""

import re
from collections.abc import Mapping
from datetime import datetime

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
from adapters.microsoft.answers import ErrorAnswer, TokenErrorAnswer
from schemas.connections import Service

__all__ = ["BAD_SECRET", "CODES", "OAUTH_ERRORS", "STATUSES", "calendar_error", "token_error"]

ErrorClass = type[CalendarError]

#: Graph's `error.code`, where it decides, whatever the status.
CODES: Mapping[str, ErrorClass] = {
    "ErrorDuplicateTransactionId": AlreadyExists,  # 400 or 409
    "ErrorItemNotFound": EventGone,
    "ErrorCannotDeleteObject": EventGone,  # a delete repeated under an immutable id (msgraph-sdk-dotnet#3047)
    "ErrorIrresolvableConflict": Retryable,  # comes and goes by itself, since no If-Match is sent
    "ApplicationThrottled": Throttled,
    "TooManyRequests": Throttled,
    "activityLimitReached": Throttled,
    "InvalidAuthenticationToken": Unauthorized,
    "AuthOMMissingRequiredPermissions": ReconnectNeeded,  # the grant lacks the calendar (CalendarSync#219)
    "Authorization_RequestDenied": ReconnectNeeded,
    "ErrorAccessDenied": Permanent,
    "ErrorQuotaExceeded": Permanent,
    "MailboxNotEnabledForRESTAPI": Permanent,  # 403 or 404
    "MailboxNotSupportedForRESTAPI": Permanent,
}

#: What a status means without a telling code. Any other 5xx is ServiceFailing, any other status below 500 Permanent.
STATUSES: Mapping[int, ErrorClass] = {
    401: Unauthorized,
    408: ServiceFailing,
    409: Retryable,
    410: EventGone,
    412: Retryable,
    423: Retryable,
    425: Retryable,
    429: Throttled,
    501: Permanent,
    507: Permanent,
}

#: The `error` word of the token endpoint. AADSTS numbers are told, not branched on, except BAD_SECRET.
OAUTH_ERRORS: Mapping[str, ErrorClass] = {
    "invalid_grant": ReconnectNeeded,
    "interaction_required": ReconnectNeeded,
    "consent_required": ReconnectNeeded,
    "login_required": ReconnectNeeded,
    "access_denied": ReconnectNeeded,
    "invalid_client": Misconfigured,
    "unauthorized_client": Misconfigured,
    "invalid_scope": Misconfigured,
    "invalid_resource": Misconfigured,
    "invalid_request": Permanent,
    "unsupported_grant_type": Misconfigured,
    "server_error": ServiceFailing,
    "temporarily_unavailable": ServiceFailing,
}

#: AADSTS7000215 and AADSTS7000222: the client secret is wrong or has expired.
BAD_SECRET = frozenset({7000215, 7000222})


def calendar_error(answer: HttpAnswer, now: datetime, *, of_event: bool = True) -> CalendarError:
    """The error for an answer of Graph that is not a success.

    `of_event`: the request names an event. Otherwise what was not found is the mailbox or the calendar, for which nobody looks again.
    """
    code, request_id = _odata(answer.body)
    kind = ServiceFailing if answer.is_foreign else CODES.get(code) or _kind(answer.status)
    if answer.status == 403 and _lacks_scope(answer):
        kind = ReconnectNeeded
    elif kind is EventGone and not of_event:
        kind = Permanent
    return _make(kind, code or f"http_{answer.status}", answer, now, request_id=request_id or _request_id(answer))


def token_error(answer: HttpAnswer, now: datetime) -> CalendarError:
    """The error for an answer of the token endpoint that is not a success. `detail` has the AADSTS numbers and Microsoft's `suberror`."""
    try:
        body = msgspec.json.decode(answer.body, type=TokenErrorAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # no OAuth error body: the status has to do
        body = TokenErrorAnswer(error="")
    word = _word(body.error)
    detail = " ".join([*(f"AADSTS{number}" for number in body.error_codes), *filter(None, [_word(body.suberror)])])
    trace = _word(body.trace_id or "") or _request_id(answer)
    return _make(_token_kind(answer.status, word, body.error_codes), word or f"http_{answer.status}", answer, now, trace, detail)


def _kind(status: int) -> ErrorClass:
    if status in STATUSES:
        return STATUSES[status]
    if status < 400:  # Graph never redirects: the address is not Graph's
        return Misconfigured
    return ServiceFailing if status >= 500 else Permanent


def _token_kind(status: int, word: str, numbers: tuple[int, ...]) -> ErrorClass:
    if status == 429:
        return Throttled
    if status == 408 or status >= 500:
        return ServiceFailing
    if BAD_SECRET.intersection(numbers):
        return Misconfigured
    # Without a word of its own it is not a token endpoint that answers: a wrong address, or a proxy in between.
    return OAUTH_ERRORS.get(word, Permanent if word else Misconfigured)


def _make(kind: ErrorClass, code: str, answer: HttpAnswer, now: datetime, request_id: str | None = None, detail: str = "") -> CalendarError:
    if not issubclass(kind, Retryable):
        return kind(Service.MICROSOFT, code, status=answer.status, request_id=request_id, detail=detail)
    wait = retry_after_seconds(answer.headers, now)
    return kind(Service.MICROSOFT, code, status=answer.status, request_id=request_id, detail=detail, retry_after=wait)


def _odata(body: bytes) -> tuple[str, str | None]:
    """Code and request id; a proxy's page, or a body cut short, has none."""
    try:
        error = msgspec.json.decode(body, type=ErrorAnswer).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", None
    inner = error.inner_error
    return _word(error.code), _word(inner.request_id or "") or None if inner is not None else None


def _request_id(answer: HttpAnswer) -> str | None:
    return _word(answer.headers.get("request-id", "")) or None


def _lacks_scope(answer: HttpAnswer) -> bool:
    """RFC 6750 section 3.1."""
    return "insufficient_scope" in answer.headers.get("www-authenticate", "")


def _word(text: str) -> str:
    """A vendor's word, fit for a metric's label and a log; anything else could be a quotation."""
    return text if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", text) else ""
