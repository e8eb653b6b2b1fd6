"""Graph's error bodies. Shape: `{"error": {"code", "message", "innerError": {"date", "request-id", "client-request-id"}}}`.

Source: learn.microsoft.com/graph/errors; the codes and messages as they stand in public issues of microsoftgraph's repositories.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from infra.sandbox.answers import NO_HEADERS, Answer, Refusal, json_answer
from infra.sandbox.faults import FaultOrder, retry_headers

__all__ = ["error", "fault_answer", "not_found", "refuse", "too_many"]

_USUAL_CODE = {
    400: "ErrorInvalidRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorIrresolvableConflict",
    412: "ErrorIrresolvableConflict",
    429: "ApplicationThrottled",
    500: "ErrorInternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
    507: "ErrorQuotaExceeded",
    509: "ActivityLimitReached",
}
_MESSAGES = {
    "ErrorItemNotFound": "The specified object was not found in the store.",
    "ErrorAccessDenied": "Access is denied. Check credentials and try again.",
    "InvalidAuthenticationToken": "Access token has expired or is not yet valid.",
    "ErrorPropertyValidationFailure": "At least one property failed validation.",
    "ErrorInvalidIdMalformed": "Id is malformed.",
    "ErrorDuplicateTransactionId": "Your request can't be completed. The TransactionId specified in the request has already been used "
    "to create a different event.",
}


def error(
    status: int,
    code: str,
    message: str | None = None,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    event_id: str | None = None,
) -> Answer:
    request_id = str(uuid.uuid4())
    inner = {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": request_id,
    }
    body = {"error": {"code": code, "message": message or _MESSAGES.get(code, "Simulated."), "innerError": inner}}
    return json_answer(status, body, headers={"request-id": request_id, **headers}, event_id=event_id)


def refuse(status: int, code: str, message: str | None = None, *, event_id: str | None = None) -> Refusal:
    return Refusal(error(status, code, message, event_id=event_id))


def not_found(event_id: str) -> Refusal:
    return refuse(404, "ErrorItemNotFound", event_id=event_id)


def too_many() -> Answer:
    """One call more than a mailbox takes at once (learn.microsoft.com/graph/throttling-limits, Outlook service limits)."""
    message = "Application is over its MailboxConcurrency limit."
    return error(429, "ApplicationThrottled", message, headers={"Retry-After": "1"})


def fault_answer(fault: FaultOrder) -> Answer:
    status = fault.status or 503
    return error(status, fault.reason or _USUAL_CODE.get(status, "generalException"), headers=retry_headers(fault))
