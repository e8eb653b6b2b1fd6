"""The sign-in provider's error bodies (RFC 6749 section 5.2)."""

from infra.sandbox.answers import Answer, Refusal, json_answer
from infra.sandbox.faults import FaultOrder, retry_headers

__all__ = ["fault_answer", "refuse"]

_USUAL_ERROR = {400: "invalid_grant", 401: "invalid_client", 429: "temporarily_unavailable", 503: "temporarily_unavailable"}


def refuse(status: int, code: str, description: str, *, scheme: str | None = None) -> Refusal:
    """`scheme`: how to authenticate, said in WWW-Authenticate."""
    headers = {"Cache-Control": "no-store"}
    if scheme is not None:
        headers["WWW-Authenticate"] = f'{scheme} realm="sandbox", error="{code}"'
    return Refusal(json_answer(status, {"error": code, "error_description": description}, headers=headers))


def fault_answer(fault: FaultOrder) -> Answer:
    status = fault.status or 503
    body = {"error": fault.reason or _USUAL_ERROR.get(status, "server_error"), "error_description": "Simulated."}
    return json_answer(status, body, headers=retry_headers(fault))
