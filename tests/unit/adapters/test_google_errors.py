"""Every status and reason that Google is known to answer has its error; a word added to the adapter fails here until it is expected."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

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
from adapters.google.errors import LONG_WAITS, OAUTH_ERRORS, REASONS_OF_403, STATUSES, calendar_error, token_error
from adapters.http import HttpAnswer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = 3600.0


def answer(status: int, body: object = None, **headers: str) -> HttpAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=status, headers=named, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def old_style(status: int, reason: str, **headers: str) -> HttpAnswer:
    """As the Calendar API answers."""
    return answer(
        status, {"error": {"errors": [{"domain": "global", "reason": reason, "message": "m"}], "code": status, "message": "m"}}, **headers
    )


def new_style(status: int, reason: str, **headers: str) -> HttpAnswer:
    """With google.rpc.ErrorInfo, as the layer in front of every Google API answers."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": {"a": "b"}}
    return answer(status, {"error": {"code": status, "message": "m", "status": "PERMISSION_DENIED", "details": [info]}}, **headers)


BY_STATUS: dict[int, type[CalendarError]] = {
    301: Misconfigured,
    302: Misconfigured,
    307: Misconfigured,
    400: Permanent,
    401: Unauthorized,
    403: Permanent,
    404: EventGone,
    405: Permanent,
    408: ServiceFailing,
    409: Retryable,
    410: EventGone,
    411: Permanent,
    412: Retryable,
    413: Permanent,
    422: Permanent,
    425: Retryable,
    429: Throttled,
    500: ServiceFailing,
    501: ServiceFailing,
    502: ServiceFailing,
    503: ServiceFailing,
    504: ServiceFailing,
    599: ServiceFailing,
}

#: 403 by reason: the class, and what is waited when Google gives no Retry-After.
BY_REASON: dict[str, tuple[type[CalendarError], float | None]] = {
    "rateLimitExceeded": (Throttled, None),
    "userRateLimitExceeded": (Throttled, None),
    "RATE_LIMIT_EXCEEDED": (Throttled, None),
    "quotaExceeded": (Throttled, HOUR),
    "calendarUsageLimits": (Throttled, HOUR),
    "dailyLimitExceeded": (Throttled, HOUR),
    "insufficientPermissions": (ReconnectNeeded, None),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (ReconnectNeeded, None),
    "accessNotConfigured": (Misconfigured, None),
    "SERVICE_DISABLED": (Misconfigured, None),
}

BY_OAUTH_WORD: dict[str, type[CalendarError]] = {
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


def test_the_tables_here_and_in_the_adapter_hold_the_same_words() -> None:
    assert set(STATUSES) <= set(BY_STATUS)
    assert set(REASONS_OF_403) == set(BY_REASON)
    assert set(OAUTH_ERRORS) == set(BY_OAUTH_WORD)
    assert set(LONG_WAITS) == {reason for reason, (_, wait) in BY_REASON.items() if wait is not None}


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
def test_a_status_about_an_event_has_its_error(status: int, expected: type[CalendarError]) -> None:
    error = calendar_error(answer(status, b"not Google's words"), NOW)
    assert (type(error), error.status, error.code) == (expected, status, f"http_{status}")


@pytest.mark.parametrize(("status", "expected"), [(404, Permanent), (410, Permanent), (409, AlreadyExists)])
def test_a_create_names_no_event_so_nothing_is_gone_and_only_its_id_can_exist(status: int, expected: type[CalendarError]) -> None:
    assert type(calendar_error(old_style(status, "whatever"), NOW, creating=True)) is expected


@pytest.mark.parametrize("make", [old_style, new_style])
@pytest.mark.parametrize(("reason", "expected", "wait"), [(reason, *rest) for reason, rest in BY_REASON.items()])
def test_403_is_split_by_its_reason(
    make: Callable[[int, str], HttpAnswer], reason: str, expected: type[CalendarError], wait: float | None
) -> None:
    error = calendar_error(make(403, reason), NOW)
    assert (type(error), error.code) == (expected, reason)
    assert getattr(error, "retry_after", None) == wait


@pytest.mark.parametrize(
    "reason", ["forbidden", "forbiddenForNonOrganizer", "requiredAccessLevel", "notACalendarUser", "domainPolicy", "brandNew"]
)
def test_any_other_403_is_permanent_and_keeps_googles_word(reason: str) -> None:
    error = calendar_error(old_style(403, reason), NOW)
    assert (type(error), error.code) == (Permanent, reason)


def test_a_reason_of_403_does_not_change_the_meaning_of_another_status() -> None:
    assert type(calendar_error(old_style(404, "rateLimitExceeded"), NOW)) is EventGone
    assert type(calendar_error(old_style(503, "accessNotConfigured"), NOW)) is ServiceFailing


def test_a_telling_reason_is_found_behind_one_that_is_not() -> None:
    body = {"error": {"errors": [{"reason": "forbidden"}], "details": [{"@type": "x"}, {"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}
    assert type(calendar_error(answer(403, body), NOW)) is ReconnectNeeded


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "rateLimitExceeded"), (403, "quotaExceeded"), (429, "rateLimitExceeded"), (503, "backendError")]
)
def test_retry_after_is_obeyed(status: int, reason: str) -> None:
    error = calendar_error(old_style(status, reason, retry_after="17"), NOW)
    assert isinstance(error, Retryable)
    assert error.retry_after == 17.0


def test_a_quota_that_lasts_hours_waits_an_hour_under_429_too() -> None:
    error = calendar_error(old_style(429, "quotaExceeded"), NOW)
    assert isinstance(error, Throttled)
    assert error.retry_after == HOUR


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff\xfe", b'{"error": "x"}', b'{"error": {"errors": 3}}', b'{"error": {"errors": [{"reason": 1}]}}']
)
def test_an_answer_of_another_shape_is_read_by_its_status(body: bytes) -> None:
    assert type(calendar_error(answer(403, body), NOW)) is Permanent
    assert type(calendar_error(answer(429, body), NOW)) is Throttled
    assert type(token_error(answer(500, body), NOW)) is ServiceFailing


@pytest.mark.parametrize("status", [403, 404, 410])
@pytest.mark.parametrize(("body", "headers"), [(b"\n<!DOCTYPE html>", {}), (b"Not Found", {"content_type": "text/html; charset=UTF-8"})])
def test_a_page_says_nothing_of_an_event_or_a_grant(status: int, body: bytes, headers: dict[str, str]) -> None:
    """A proxy that knows no such address would else have every event taken for removed, and every delete for done."""
    assert type(calendar_error(answer(status, body, **headers), NOW)) is ServiceFailing
    assert type(calendar_error(answer(status, body, **headers), NOW, creating=True)) is ServiceFailing
    assert isinstance(token_error(answer(status, body, **headers), NOW), ServiceFailing | Misconfigured)


def test_what_is_of_another_shape_hides_no_reason() -> None:
    reasons = [None, "x", {"reason": 7}, {"reason": "rateLimitExceeded", "location": None}]
    for body in ({"errors": reasons, "details": "none"}, {"errors": {}, "details": reasons}):
        assert type(calendar_error(answer(403, {"error": body}), NOW)) is Throttled


def test_nesting_without_end_is_no_crash() -> None:
    deep = b'{"error": ' * 100_000
    assert type(calendar_error(answer(429, deep), NOW)) is Throttled
    assert type(token_error(answer(503, deep), NOW)) is ServiceFailing


def test_no_message_and_nothing_that_could_be_a_quotation_is_kept() -> None:
    body = {
        "error": {
            "errors": [{"reason": "ya29.token with words", "message": "Anna's class", "location": "start.dateTime"}],
            "message": "Anna",
        }
    }
    error = calendar_error(answer(400, body), NOW)
    assert str(error) == "google: 400 http_400: at start.dateTime"


@pytest.mark.parametrize(("word", "expected"), BY_OAUTH_WORD.items())
def test_a_word_of_the_token_endpoint_has_its_error(word: str, expected: type[CalendarError]) -> None:
    error = token_error(answer(400, {"error": word, "error_description": "1//secret"}), NOW)
    assert (type(error), error.code) == (expected, word)
    assert "secret" not in str(error) + repr(error)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, Misconfigured),
        (400, Permanent),
        (401, Misconfigured),
        (403, Permanent),
        (404, Misconfigured),
        (408, ServiceFailing),
        (429, Throttled),
        (500, ServiceFailing),
        (503, ServiceFailing),
    ],
)
def test_a_token_endpoint_without_a_known_word_is_read_by_its_status(status: int, expected: type[CalendarError]) -> None:
    assert type(token_error(answer(status, {"error": "brand_new"}), NOW)) is expected


@pytest.mark.parametrize(("status", "expected"), [(429, Throttled), (500, ServiceFailing), (503, ServiceFailing)])
def test_a_failing_token_endpoint_never_kills_a_grant(status: int, expected: type[CalendarError]) -> None:
    error = token_error(answer(status, {"error": "invalid_grant"}, retry_after="3"), NOW)
    assert type(error) is expected
    assert getattr(error, "retry_after", None) == 3.0
