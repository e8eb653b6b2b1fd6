"""The state of each calendar service as this worker sees it: circuits, parked entries, and mailboxes asked to rest."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from adapters.errors import CalendarError, Misconfigured, ServiceFailing, not_configured
from adapters.ports import CalendarPort
from schemas.connections import Service
from streams.domain.circuit import Circuit, CircuitPolicy, CircuitState
from streams.metrics import ExecuteMetrics

__all__ = ["ParkedKey", "Services"]

log = logging.getLogger(__name__)

ParkedKey = tuple[int, bytes]


class Services:
    """Parked entries rest in the agenda, not in a topic: they cost no attempt, and nothing is emptied into retries (docs/adr/004)."""

    def __init__(
        self,
        *,
        calendars: Mapping[Service, CalendarPort],
        policy: CircuitPolicy,
        metrics: ExecuteMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calendars = calendars
        self._metrics = metrics
        self._clock = clock
        self._circuits = {service: Circuit(policy) for service in Service}
        self._shown: dict[Service, CircuitState] = {}
        self._parked: dict[Service, dict[ParkedKey, None]] = {service: {} for service in Service}
        self._rest_until: dict[tuple[Service, str], datetime] = {}
        self._wake: Callable[[list[ParkedKey]], Awaitable[None]] | None = None
        for service in Service:
            self._show(service)
            self._metrics.parked(service, 0)

    def on_wake(self, wake: Callable[[list[ParkedKey]], Awaitable[None]]) -> None:
        """`wake(keys)` sends parked entries to the bulk lane."""
        self._wake = wake

    def calendar(self, service: Service) -> CalendarPort:
        """Raises Misconfigured for a service that this worker has no client id for."""
        port = self._calendars.get(service)
        if port is None:
            raise not_configured(service)
        return port

    def allows(self, service: Service) -> bool:
        """Whether a call may go out now; the one that is let through after a rest is the probe."""
        allowed = self._circuits[service].allows(self._clock())
        self._show(service)
        return allowed

    def is_well(self, service: Service) -> bool:
        """Whether the circuit is closed."""
        return self._circuits[service].state is CircuitState.CLOSED

    def park(self, service: Service, key: ParkedKey) -> None:
        self._parked[service][key] = None
        self._metrics.parked(service, len(self._parked[service]))

    def unpark(self, key: ParkedKey) -> None:
        for service, keys in self._parked.items():
            if keys.pop(key, 0) is None:
                self._metrics.parked(service, len(keys))

    def resting_until(self, service: Service, mailbox: str, now: datetime) -> datetime | None:
        """When the mailbox may be called again, if it was asked to rest. One at another service goes on."""
        until = self._rest_until.get((service, mailbox))
        if until is not None and until <= now:
            del self._rest_until[(service, mailbox)]
            return None
        return until

    def rest(self, service: Service, mailbox: str, until: datetime) -> None:
        known = self._rest_until.get((service, mailbox))
        self._rest_until[(service, mailbox)] = until if known is None else max(until, known)

    async def answered(self, service: Service, mailbox: str, error: CalendarError | None) -> bool:
        """Count a call. True when the service's circuit is open after it."""
        circuit = self._circuits[service]
        was = circuit.state
        if isinstance(error, ServiceFailing):
            opened = circuit.failed(mailbox, self._clock())
        elif isinstance(error, Misconfigured):
            opened = circuit.trip(mailbox, self._clock())
        else:
            opened = False
            if circuit.succeeded(mailbox):
                log.info("the service answers again; its circuit closes", extra={"service": service.value})
                await self._wake_all(service)
        self._show(service)
        if error is not None and circuit.state is CircuitState.OPEN and was is not CircuitState.OPEN:
            _tell_opened(error, again=was is CircuitState.HALF_OPEN)
        return opened

    def abandoned(self, service: Service) -> None:
        """A call that was let through ended without an answer (cancelled)."""
        self._circuits[service].probe_abandoned()
        self._show(service)

    def _show(self, service: Service) -> None:
        state = self._circuits[service].state
        if self._shown.get(service) is not state:
            self._shown[service] = state
            self._metrics.circuit(service, state.value)

    async def _wake_all(self, service: Service) -> None:
        keys = list(self._parked[service])
        self._parked[service].clear()
        self._metrics.parked(service, 0)
        if keys and self._wake is not None:
            await self._wake(keys)

    async def probe(self) -> None:
        """Wake one entry of each service whose rest is over: its call decides."""
        for service, circuit in self._circuits.items():
            if circuit.wants_probe(self._clock()) and self._parked[service] and self._wake is not None:
                await self._wake([next(iter(self._parked[service]))])
            await asyncio.sleep(0)

    def tables_ready(self) -> None:
        """After a rebalance parked entries are found again by a scan of the agenda."""
        for service, keys in self._parked.items():
            keys.clear()
            self._metrics.parked(service, 0)


def _tell_opened(error: CalendarError, *, again: bool) -> None:
    """An error for the first time, so that somebody looks; each probe that fails after it is only noted."""
    if isinstance(error, Misconfigured):
        message = "the service refuses this application: its client id, secret or registration has to be mended; its entries rest"
    else:
        message = "the service fails; its circuit opens and its entries rest"
    extra = {
        "service": error.service.value,
        "error_class": type(error).__name__,
        "error": str(error),
        "request_id": error.request_id,
        "again": again,
    }
    log.log(logging.INFO if again else logging.ERROR, message, extra=extra)
