"""What a call to a calendar service can raise, split by what the caller does next.

    CalendarError
    ├── Retryable             try again later, through a retry tier
    │   ├── Throttled         ... not before `retry_after`; the service is well
    │   └── ServiceFailing    ... counts for the service's circuit; the work may have been done all the same
    ├── Unauthorized          refresh the access token once and try again; a second time: retry tier
    ├── ReconnectNeeded       the grant is dead or lacks the scope: only the provider can help; no retry
    ├── Misconfigured         the operator has to act (client secret, application registration); the service's circuit opens
    ├── EventGone             the remote event does not stand any more (404 / 410)
    ├── AlreadyExists         a create met its own id: look, then adopt or take the next generation
    └── Permanent             the request will never work as it is: dead letter

No error holds a token, a title or a response body.
"""

from enum import StrEnum

from schemas.connections import Service

__all__ = [
    "NOT_CONFIGURED",
    "AlreadyExists",
    "CalendarError",
    "EventGone",
    "LocalCode",
    "Misconfigured",
    "Permanent",
    "ReconnectNeeded",
    "Retryable",
    "ServiceFailing",
    "Throttled",
    "Unauthorized",
    "not_configured",
]


class LocalCode(StrEnum):
    """Codes of errors that come from here, not from the service: they say nothing of its health."""

    #: The vault has no key, or another one, for what is saved of the connection; an operator has to act.
    VAULT_KEY_UNKNOWN = "vault_key_unknown"
    SEALED_TOKEN_UNREADABLE = "sealed_token_unreadable"  # noqa: S105 - a name, no token
    CONNECTION_FORGOTTEN = "connection_forgotten"
    #: Not yet: the event of a begun create may still appear.
    CREATE_UNSETTLED = "create_unsettled"


#: Nobody gave this process a client id for the service.
NOT_CONFIGURED = "not_configured"

_LOCAL_CODES = frozenset(LocalCode)

#: Bad gateway, gateway time-out.
_GATEWAY_GAVE_UP = (502, 504)


class CalendarError(Exception):
    """`status`: the HTTP status, if there was an answer. `code`: the vendor's own word (`rateLimitExceeded`, `timeout` ...).

    `request_id`: the vendor's id of the request, for support tickets.
    """

    def __init__(self, service: Service, code: str, *, status: int | None = None, request_id: str | None = None, detail: str = "") -> None:
        self.service = service
        self.code = code
        self.status = status
        self.request_id = request_id
        self.detail = detail
        super().__init__(f"{service.value}: {status or 'no answer'} {code}{': ' + detail if detail else ''}")

    @property
    def is_local(self) -> bool:
        return self.code in _LOCAL_CODES

    @property
    def leaves_doubt(self) -> bool:
        """Whether the service may still do what was asked, some time after the call ended."""
        return False


class Retryable(CalendarError):
    """`retry_after`: seconds the service asked for (Retry-After), if it did."""

    def __init__(
        self,
        service: Service,
        code: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        detail: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(service, code, status=status, request_id=request_id, detail=detail)
        self.retry_after = retry_after


class Throttled(Retryable):
    """Too many requests for this mailbox or application."""


class ServiceFailing(Retryable):
    """5xx, a time-out, a dropped or refused connection. After it, what was asked may have been done or not: look before creating again."""

    @property
    def leaves_doubt(self) -> bool:
        """So it is without an answer, except where nothing was sent; and where a gateway gave up waiting for the service behind it."""
        return self.code != "connect_failed" if self.status is None else self.status in _GATEWAY_GAVE_UP


class Unauthorized(CalendarError):
    """The access token was not taken."""


class ReconnectNeeded(CalendarError):
    """The provider has to connect again (`invalid_grant`, consent withdrawn, calendar scope missing)."""


class Misconfigured(CalendarError):
    """The service refuses this application, not this provider (`invalid_client`)."""


def not_configured(service: Service) -> Misconfigured:
    return Misconfigured(service, NOT_CONFIGURED, detail="this worker has no client id and secret for the service")


class EventGone(CalendarError):
    """The remote event was removed or moved away."""


class AlreadyExists(CalendarError):
    """The derived id or transaction id was used before."""


class Permanent(CalendarError):
    """Trying again cannot help."""
