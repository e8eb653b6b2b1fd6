"""Every status and code that Microsoft is known to answer has its error; a word added to the adapter fails here until it is expected."""

from datetime import UTC, datetime

import pytest
from msgraph.generated.models.o_data_errors.inner_error import InnerError
from msgraph.generated.models.o_data_errors.main_error import MainError

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
from adapters.microsoft.errors import CODES, OAUTH_ERRORS, STATUSES, calendar_error, token_error
from tests.unit.adapters.microsoft_http import answer, odata_error

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

#: Without a telling code.
BY_STATUS: dict[int, type[CalendarError]] = {
    301: Misconfigured,
    302: Misconfigured,
    400: Permanent,
    401: Unauthorized,
    402: Permanent,
    403: Permanent,
    404: Permanent,
    405: Permanent,
    406: Permanent,
    408: ServiceFailing,
    409: Retryable,
    410: EventGone,
    411: Permanent,
    412: Retryable,
    413: Permanent,
    415: Permanent,
    416: Permanent,
    422: Permanent,
    423: Retryable,
    425: Retryable,
    429: Throttled,
    500: ServiceFailing,
    501: Permanent,
    502: ServiceFailing,
    503: ServiceFailing,
    504: ServiceFailing,
    507: Permanent,
    509: ServiceFailing,
    599: ServiceFailing,
}

#: As seen: status, code, what happens next.
BY_CODE: list[tuple[int, str, type[CalendarError]]] = [
    (400, "ErrorDuplicateTransactionId", AlreadyExists),
    (409, "ErrorDuplicateTransactionId", AlreadyExists),
    (404, "ErrorItemNotFound", EventGone),
    (403, "ErrorCannotDeleteObject", EventGone),
    (412, "ErrorIrresolvableConflict", Retryable),
    (409, "ErrorIrresolvableConflict", Retryable),
    (429, "ApplicationThrottled", Throttled),
    (429, "TooManyRequests", Throttled),
    (503, "TooManyRequests", Throttled),
    (429, "activityLimitReached", Throttled),
    (429, "MailboxConcurrency", Throttled),
    (401, "InvalidAuthenticationToken", Unauthorized),
    (401, "AuthOMMissingRequiredPermissions", ReconnectNeeded),
    (403, "Authorization_RequestDenied", ReconnectNeeded),
    (403, "ErrorAccessDenied", Permanent),
    (403, "ErrorQuotaExceeded", Permanent),
    (507, "ErrorQuotaExceeded", Permanent),
    (507, "InsufficientStorage", Permanent),
    (403, "MailboxNotEnabledForRESTAPI", Permanent),
    (404, "MailboxNotEnabledForRESTAPI", Permanent),
    (404, "MailboxNotSupportedForRESTAPI", Permanent),
    (404, "ResourceNotFound", Permanent),
    (400, "ErrorPropertyValidationFailure", Permanent),
    (400, "TimeZoneNotSupportedException", Permanent),
    (500, "ErrorInternalServerError", ServiceFailing),
    (500, "ErrorInternalServerTransientError", ServiceFailing),
    (502, "BadGateway", ServiceFailing),
    (503, "ConcurrentItemSave", ServiceFailing),
    (503, "serviceNotAvailable", ServiceFailing),
    (503, "ErrorMailboxMoveInProgress", ServiceFailing),
    (504, "GatewayTimeout", ServiceFailing),
    (509, "BandwidthLimitExceeded", ServiceFailing),
]

BY_OAUTH_ERROR: dict[str, type[CalendarError]] = {
    "invalid_grant": ReconnectNeeded,
    "interaction_required": ReconnectNeeded,
    "consent_required": ReconnectNeeded,
    "login_required": ReconnectNeeded,
    "access_denied": ReconnectNeeded,
    "invalid_client": Misconfigured,
    "unauthorized_client": Misconfigured,
    "invalid_scope": Misconfigured,
    "invalid_resource": Misconfigured,
    "unsupported_grant_type": Misconfigured,
    "invalid_request": Permanent,
    "server_error": ServiceFailing,
    "temporarily_unavailable": ServiceFailing,
}


@pytest.mark.parametrize(("status", "expected"), BY_STATUS.items())
def test_each_status_has_its_error(status: int, expected: type[CalendarError]) -> None:
    for body in (b"", b"Bad Gateway", b"\xff", b"[]", b'{"error": "x"}', b'{"error": {}}', b'{"error": ' * 100_000):
        error = calendar_error(answer(status, body), NOW)
        assert type(error) is expected
        assert (error.code, error.status) == (f"http_{status}", status)


@pytest.mark.parametrize("status", [403, 404, 410, 502])
@pytest.mark.parametrize("body", [b"<html>Forbidden</html>", b"\r\n<!doctype html>"])
def test_a_page_says_nothing_of_an_event_or_a_mailbox(status: int, body: bytes) -> None:
    """A gateway in between answers: not to be taken for an event that is gone, nor for a refusal for good."""
    for of_event in (True, False):
        assert type(calendar_error(answer(status, body), NOW, of_event=of_event)) is ServiceFailing


@pytest.mark.parametrize(("status", "code", "expected"), BY_CODE)
def test_each_code_has_its_error(status: int, code: str, expected: type[CalendarError]) -> None:
    error = calendar_error(odata_error(status, code), NOW)
    assert type(error) is expected
    assert (error.code, error.status, error.request_id) == (code, status, "3f0c4e2a-0000-4000-8000-000000000001")


def test_every_word_of_the_tables_is_expected_here() -> None:
    assert CODES.keys() <= {code for _, code, _ in BY_CODE}
    assert STATUSES.keys() <= BY_STATUS.keys()
    assert OAUTH_ERRORS.keys() == BY_OAUTH_ERROR.keys()


def test_the_error_that_the_sdk_models_is_the_one_that_is_read() -> None:
    model = MainError(code="ErrorItemNotFound", inner_error=InnerError(request_id="r"))
    assert {"code", "innerError", "message"} <= model.get_field_deserializers().keys()
    assert "request-id" in InnerError().get_field_deserializers()


def test_a_mailbox_that_is_not_found_is_no_event_that_is_gone() -> None:
    for status, code in ((404, "ErrorItemNotFound"), (410, "Gone")):
        assert type(calendar_error(odata_error(status, code), NOW)) is EventGone
        assert type(calendar_error(odata_error(status, code), NOW, of_event=False)) is Permanent


def test_a_missing_scope_asks_the_provider_to_connect_again() -> None:
    told = 'Bearer realm="", error="insufficient_scope"'
    assert type(calendar_error(odata_error(403, "ErrorAccessDenied", www_authenticate=told), NOW)) is ReconnectNeeded


@pytest.mark.parametrize(
    ("status", "code"), [(429, "ApplicationThrottled"), (503, "serviceNotAvailable"), (412, "ErrorIrresolvableConflict")]
)
def test_retry_after_is_taken_in_seconds_and_as_a_date(status: int, code: str) -> None:
    for header, seconds in (("17", 17.0), ("Mon, 02 Mar 2026 10:01:00 GMT", 60.0), ("soon", None)):
        error = calendar_error(odata_error(status, code, retry_after=header), NOW)
        assert isinstance(error, Retryable)
        assert error.retry_after == seconds


def test_the_request_id_is_taken_from_the_header_when_the_body_has_none() -> None:
    assert calendar_error(answer(503, b"", request_id="abc-1"), NOW).request_id == "abc-1"


def test_nothing_of_the_messages_is_kept() -> None:
    graph = calendar_error(odata_error(400, "ErrorPropertyValidationFailure"), NOW)
    odd = calendar_error(odata_error(400, "Yoga with Ada: the secret"), NOW)
    token = token_error(oauth_error(400, "invalid_grant", 700082), NOW)
    for error in (graph, odd, token):
        assert "secret" not in f"{error} {error!r} {vars(error)}"
    assert odd.code == "http_400"


def oauth_error(status: int, word: str, *numbers: int, **more: str) -> object:
    body = {"error": word, "error_description": f"AADSTS{numbers}: ada@secret.example", "error_codes": numbers, "trace_id": "t-1", **more}
    return answer(status, body, retry_after="9")


@pytest.mark.parametrize(("word", "expected"), BY_OAUTH_ERROR.items())
def test_each_word_of_the_token_endpoint_has_its_error(word: str, expected: type[CalendarError]) -> None:
    error = token_error(oauth_error(400, word), NOW)
    assert type(error) is expected
    assert (error.code, error.request_id) == (word, "t-1")


@pytest.mark.parametrize("number", [65001, 65004, 90094, 50020, 50173, 700082, 50076, 50079, 53003, 54005])
def test_a_grant_that_ended_is_told_with_its_number(number: int) -> None:
    error = token_error(oauth_error(400, "invalid_grant", number, suberror="consent_required"), NOW)
    assert type(error) is ReconnectNeeded
    assert (error.code, error.detail) == ("invalid_grant", f"AADSTS{number} consent_required")


@pytest.mark.parametrize("number", [7000215, 7000222])
@pytest.mark.parametrize(("status", "word"), [(401, "invalid_client"), (400, "unauthorized_client"), (400, "invalid_grant")])
def test_a_bad_client_secret_is_the_operators_whatever_the_word(number: int, status: int, word: str) -> None:
    assert type(token_error(oauth_error(status, word, number), NOW)) is Misconfigured


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (429, "invalid_grant", Throttled),
        (429, "", Throttled),
        (500, "server_error", ServiceFailing),
        (503, "temporarily_unavailable", ServiceFailing),
        (503, "", ServiceFailing),
        (504, "", ServiceFailing),
        (408, "", ServiceFailing),
        (404, "", Misconfigured),
        (302, "", Misconfigured),
        (400, "a_word_of_tomorrow", Permanent),
    ],
)
def test_a_token_endpoint_in_trouble_says_nothing_of_the_grant(status: int, word: str, expected: type[CalendarError]) -> None:
    error = token_error(oauth_error(status, word) if word else answer(status, b"<html>", retry_after="9"), NOW)
    assert type(error) is expected
    assert error.code == (word or f"http_{status}")
    if isinstance(error, Retryable):
        assert error.retry_after == 9.0
