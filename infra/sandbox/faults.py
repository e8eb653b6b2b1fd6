"""Faults that the sandbox was told to make, and the dice that decide whether one strikes."""

import random
from math import ceil
from typing import Annotated, Literal

import msgspec

__all__ = ["Fault", "FaultBoard", "FaultOrder", "Strike", "retry_headers"]

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
ServiceName = Literal["google", "microsoft", "oidc", "*"]
Operation = Literal["create", "update", "delete", "get", "list", "token", "revoke", "authorize", "*"]
Kind = Literal["status", "drop_before", "drop_after", "latency"]


class FaultOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to break. `times` None = for ever. `retry_after` in seconds. `keep_work`: the work is done and the
    error is answered all the same.

    `reason` is the vendor's code (`userRateLimitExceeded`, `ApplicationThrottled`, `invalid_grant`); absent, the usual one of the status.
    """

    service: ServiceName
    kind: Kind
    operation: Operation = "*"
    email: str = "*"
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    reason: str | None = None
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    rate: Rate = 1.0
    latency_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None
    keep_work: bool = False

    def __post_init__(self) -> None:
        if self.kind == "status" and self.status is None:
            raise ValueError("status: needed for kind `status`")
        if self.kind == "latency" and self.latency_ms is None:
            raise ValueError("latency_ms: needed for kind `latency`")


class Fault(msgspec.Struct, kw_only=True):
    id: str
    order: FaultOrder
    hits: int = 0

    @property
    def spent(self) -> bool:
        return self.order.times is not None and self.hits >= self.order.times

    def concerns(self, service: str, operation: str, email: str | None) -> bool:
        order = self.order
        return (
            order.service in ("*", service)
            and order.operation in ("*", operation)
            and (order.email == "*" or (email is not None and order.email.lower() == email))
        )


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one request: a delay, and one fault beside it at most."""

    fault: FaultOrder | None = None
    latency_ms: float = 0.0


_NOTHING = Strike()


def retry_headers(order: FaultOrder) -> dict[str, str]:
    """Retry-After in whole seconds (RFC 9110 section 10.2.3), when it was ordered."""
    return {} if order.retry_after is None else {"Retry-After": str(ceil(order.retry_after))}


class FaultBoard:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(seed)
        self._faults: dict[str, Fault] = {}
        self._made = 0

    def add(self, order: FaultOrder) -> Fault:
        self._made += 1
        fault = Fault(id=f"f{self._made}", order=order)
        self._faults[fault.id] = fault
        return fault

    def remove(self, id: str) -> bool:
        return self._faults.pop(id, None) is not None

    def clear(self) -> None:
        self._faults.clear()

    def reset(self) -> None:
        self.clear()
        self._dice = random.Random(self._seed)
        self._made = 0

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def strike(self, service: str, operation: str, email: str | None) -> Strike:
        """Roll the dice for one request. Delays of several faults add up; of the others the first that fires is taken."""
        if not self._faults:
            return _NOTHING
        latency, taken = 0.0, None
        for fault in self._faults.values():
            order = fault.order
            if fault.spent or not fault.concerns(service, operation, email):
                continue
            if order.kind != "latency" and taken is not None:
                continue
            if order.rate < 1 and self._dice.random() >= order.rate:
                continue
            fault.hits += 1
            latency += order.latency_ms or 0.0
            if order.kind != "latency":
                taken = order
        return Strike(fault=taken, latency_ms=latency)
