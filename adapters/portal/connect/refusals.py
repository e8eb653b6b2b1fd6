"""Every way in which connecting can end without a connection, as a page with the next step. Nothing from outside is quoted."""

from typing import Protocol

from adapters.portal.web.flows import FlowRefused
from adapters.portal.web.navigation import EXTERNAL
from adapters.portal.web.problems import NextStep, Problem
from schemas.connections import Service

__all__ = ["NEEDS_APPROVAL", "approval_needed", "failed", "refused_by", "signed_out", "stale", "unticked"]

#: Consent that only an administrator can give: not consented, admin consent required, not allowed for users, blocked risky consent.
NEEDS_APPROVAL = frozenset({65001, 90094, 90095, 90008, 650057})
#: The person said no, or left.
_DECLINED = frozenset({65004, 50126})
_BACK = NextStep(label="Back to your profile", href=EXTERNAL)
_NOTHING_CHANGED = "Nothing was connected and nothing was changed."


class _Named(Protocol):
    service: Service
    name: str


def approval_needed(error: str, numbers: frozenset[int]) -> bool:
    """Whether an administrator of the person's organization has to allow the application first."""
    return error == "consent_required" or bool(numbers & NEEDS_APPROVAL)


def refused_by(client: _Named, error: str, numbers: frozenset[int]) -> Problem:
    """The consent page led back with an error, or the token endpoint refused the code."""
    again: tuple[NextStep, ...] = (NextStep(label=f"Try {client.name} again", connect=client.service.value), _BACK)
    if error == "access_denied" or numbers & _DECLINED:
        if client.service is Service.MICROSOFT:
            again = (*again, NextStep(label="Ask an administrator", href=f"{EXTERNAL}/approval"))
        return Problem(
            name="consent_refused",
            title="You did not allow access",
            text=f"{client.name} says that access to your calendar was not allowed. {_NOTHING_CHANGED} You can connect whenever you like.",
            status=200,
            steps=again,
        )
    if error == "invalid_grant":
        return Problem(
            name="code_expired",
            title="That took too long",
            text=f"What {client.name} sent back was used already or had expired. {_NOTHING_CHANGED}",
            steps=again,
        )
    if error in ("temporarily_unavailable", "server_error"):
        return failed(client)
    return Problem(
        name="service_refused",
        title=f"{client.name} did not accept the request",
        text=f"{_NOTHING_CHANGED} If it happens again, please tell your administrator.",
        status=502,
        steps=again,
    )


def failed(client: _Named) -> Problem:
    return Problem(
        name="service_unavailable",
        title=f"{client.name} does not answer right now",
        text=f"{_NOTHING_CHANGED} Please try again in a few minutes.",
        status=503,
        steps=(NextStep(label=f"Try {client.name} again", connect=client.service.value), _BACK),
    )


def unticked(client: _Named) -> Problem:
    return Problem(
        name="calendar_not_allowed",
        title="The calendar was not ticked",
        text=(
            f"You signed in with {client.name}, but the permission for your calendar was left out, so we cannot put classes on it. "
            f"{_NOTHING_CHANGED} Connect once more and tick the box for the calendar on {client.name}'s page."
        ),
        status=200,
        steps=(NextStep(label=f"Connect {client.name} again", connect=client.service.value), _BACK),
    )


def stale(client: _Named, refused: FlowRefused) -> Problem:
    """Double click, second tab, back button, a state that is forged, replayed or too old."""
    if refused.why == "used":
        return Problem(
            name="flow_used",
            title="This step is done already",
            text="It was finished in another tab, by a double click, or before you went back. Your profile shows how things stand.",
            status=409,
            steps=(NextStep(label="See your profile", href=EXTERNAL),),
        )
    text = {
        "expired": f"{client.name}'s page was open for too long. {_NOTHING_CHANGED}",
        "session": f"You signed in again since, so this step belongs to an earlier session. {_NOTHING_CHANGED}",
    }.get(refused.why, f"This step was not started in this browser, or too long ago. {_NOTHING_CHANGED}")
    return Problem(
        name=f"flow_{refused.why}",
        title="Please start again",
        text=text,
        steps=(NextStep(label=f"Connect {client.name}", connect=client.service.value), _BACK),
    )


def signed_out() -> Problem:
    return Problem(
        name="signed_out",
        title="You were signed out",
        text=f"Your session ended while you were away. {_NOTHING_CHANGED} Sign in and connect again.",
        status=401,
        steps=(NextStep(label="Sign in", href=f"/signin?next={EXTERNAL}"),),
    )
