"""What operators are told of a calendar service's health: the gauges, and the log when its circuit opens."""

import logging

import pytest

from adapters.errors import CalendarError, Misconfigured, ServiceFailing
from schemas.connections import Service
from streams.agents.services import Services
from streams.domain.circuit import CircuitPolicy
from streams.metrics import make_metrics

GOOGLE = Service.GOOGLE
FAILING = ServiceFailing(GOOGLE, "backendError", status=503)
REFUSED = Misconfigured(GOOGLE, "invalid_client", status=401, request_id="r-77")


class Health:
    """Services over a clock that the test moves; a circuit that two failures open."""

    def __init__(self) -> None:
        self.now = 0.0
        self.metrics = make_metrics()
        policy = CircuitPolicy(row=2, row_lasts=0.0, mailboxes=2, first_rest=5.0)
        self.it = Services(calendars={}, policy=policy, metrics=self.metrics.execute, clock=lambda: self.now)

    def gauge(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"impact_execute_{name}", {"service": "google"})

    async def fail(self, error: CalendarError) -> None:
        for mailbox in ("ada", "bob"):
            await self.it.answered(GOOGLE, mailbox, error)


@pytest.fixture
def health() -> Health:
    return Health()


def test_a_service_that_never_failed_has_its_gauges(health: Health) -> None:
    assert (health.gauge("circuit_state"), health.gauge("parked_entries")) == (0, 0)


async def test_the_gauge_follows_the_circuit_through_probes_too(health: Health) -> None:
    await health.fail(FAILING)
    assert health.gauge("circuit_state") == 2
    health.now = 6.0
    assert health.it.allows(GOOGLE)
    assert health.gauge("circuit_state") == 1
    health.it.abandoned(GOOGLE)
    assert health.gauge("circuit_state") == 2
    assert health.it.allows(GOOGLE)
    await health.it.answered(GOOGLE, "ada", None)
    assert health.gauge("circuit_state") == 0


async def test_an_outage_is_an_error_once_and_noted_at_each_probe(health: Health, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await health.fail(FAILING)
    health.now = 6.0
    assert health.it.allows(GOOGLE)
    await health.it.answered(GOOGLE, "ada", FAILING)
    assert [(record.levelname, vars(record)["again"]) for record in caplog.records] == [("ERROR", False), ("INFO", True)]


async def test_a_refused_application_is_told_as_what_an_operator_has_to_mend(health: Health, caplog: pytest.LogCaptureFixture) -> None:
    await health.fail(REFUSED)
    (record,) = caplog.records
    told = vars(record)
    assert "client id, secret or registration" in record.getMessage()
    assert (told["error_class"], told["error"], told["request_id"]) == ("Misconfigured", "google: 401 invalid_client", "r-77")
