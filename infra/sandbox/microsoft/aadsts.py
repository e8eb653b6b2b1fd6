"""The identity platform's errors: at the token endpoint, in addresses that lead back, and on its own pages.

Source: learn.microsoft.com/entra/identity-platform/reference-error-codes; the texts as they stand in public issues.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from infra.sandbox.answers import NO_HEADERS, Answer, Refusal, json_answer
from infra.sandbox.authorization import error_page
from infra.sandbox.config import MICROSOFT
from infra.sandbox.faults import FaultOrder, retry_headers

__all__ = ["blocked", "describe", "error", "fault_answer", "refuse"]

_USUAL_ERROR = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied", 429: "temporarily_unavailable"}


def error(
    status: int, code: str, number: int, text: str, *, suberror: str | None = None, headers: Mapping[str, str] = NO_HEADERS
) -> Answer:
    trace, correlation, stamp = str(uuid.uuid4()), str(uuid.uuid4()), _stamp()
    body: dict[str, object] = {
        "error": code,
        "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    if suberror is not None:
        body["suberror"] = suberror
    return json_answer(status, body, headers=headers)


def refuse(status: int, code: str, number: int, text: str, *, suberror: str | None = None) -> Refusal:
    return Refusal(error(status, code, number, text, suberror=suberror))


def describe(number: int, text: str) -> str:
    """`error_description` in an address."""
    return f"AADSTS{number}: {text}\r\nTrace ID: {uuid.uuid4()}\r\nCorrelation ID: {uuid.uuid4()}\r\nTimestamp: {_stamp()}"


def blocked(number: int, text: str) -> Refusal:
    """To raise: a page that does not lead back."""
    return error_page(MICROSOFT, f"AADSTS{number}", text)


def fault_answer(fault: FaultOrder) -> Answer:
    status = fault.status or 503
    code = fault.reason or _USUAL_ERROR.get(status, "temporarily_unavailable")
    return error(status, code, 90033, "Simulated.", headers=retry_headers(fault))


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
