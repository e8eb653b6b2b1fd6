"""Faults that the sandbox is told to make."""

from typing import Any

import aiohttp
import pytest

from infra.sandbox.config import SandboxConfig
from tests.integration.sandbox.client import GOOGLE_EVENTS, GRAPH_EVENTS, Client, Reply, google_event, graph_event
from tests.integration.sandbox.conftest import Launch

COLLECTION = {"google": GOOGLE_EVENTS, "microsoft": GRAPH_EVENTS}
SERVICES = pytest.mark.parametrize("service", ["google", "microsoft"])


async def create(person: Client, service: str) -> Reply:
    body = google_event() if service == "google" else graph_event()
    return await person.ask("POST", COLLECTION[service], body)


async def last(client: Client) -> dict[str, Any]:
    return dict((await client.ask("GET", "/control/requests")).body["requests"][-1])


@SERVICES
async def test_a_status_is_answered_instead_of_the_work_as_often_as_ordered(client: Client, service: str) -> None:
    person = await client.person(service)
    await client.fault(service=service, operation="create", kind="status", status=503, retry_after=6.5, times=2)
    replies = [await create(person, service) for _ in range(3)]
    assert [reply.status for reply in replies[:2]] == [503, 503]
    assert replies[0].headers["Retry-After"] == "7"
    assert replies[2].status in (200, 201)
    assert len(await client.standing(service)) == 1


@SERVICES
async def test_an_error_can_be_answered_although_the_work_was_done(client: Client, service: str) -> None:
    person = await client.person(service)
    await client.fault(service=service, operation="create", kind="status", status=500, keep_work=True, times=1)
    assert (await create(person, service)).status == 500
    assert len(await client.standing(service)) == 1


@SERVICES
@pytest.mark.parametrize(("kind", "standing"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_connection_is_cut_before_or_after_the_work(client: Client, service: str, kind: str, standing: int) -> None:
    person = await client.person(service)
    await client.fault(service=service, operation="create", kind=kind, times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await create(person, service)
    assert len(await client.standing(service)) == standing
    entry = await last(client)
    assert (entry["status"], entry["fault"], entry["operation"]) == (0, kind, "create")


async def test_a_drop_is_the_end_of_the_one_connection_only(client: Client) -> None:
    person = await client.person("google")
    await client.fault(service="google", operation="create", kind="drop_before", times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await create(person, "google")
    assert (await person.ask("GET", GOOGLE_EVENTS)).status == 200


@pytest.mark.parametrize(
    ("service", "status", "reason", "shown"),
    [
        ("google", 403, "userRateLimitExceeded", "userRateLimitExceeded"),
        ("google", 403, "quotaExceeded", "quotaExceeded"),
        ("google", 429, None, "rateLimitExceeded"),
        ("google", 500, None, "backendError"),
        ("microsoft", 429, None, "ApplicationThrottled"),
        ("microsoft", 403, None, "ErrorAccessDenied"),
        ("microsoft", 404, "MailboxNotEnabledForRESTAPI", "MailboxNotEnabledForRESTAPI"),
        ("microsoft", 500, None, "ErrorInternalServerError"),
    ],
)
async def test_an_error_has_the_vendors_shape_and_code(client: Client, service: str, status: int, reason: str | None, shown: str) -> None:
    person = await client.person(service)
    await client.fault(service=service, kind="status", status=status, reason=reason, operation="list")
    reply = await person.ask("GET", COLLECTION[service])
    assert reply.status == status
    assert (reply.google_reason if service == "google" else reply.graph_code) == shown


@SERVICES
async def test_token_faults_have_the_shape_of_oauth(client: Client, service: str) -> None:
    token = await client.grant(service, "ana@impact.example")
    await client.fault(service=service, operation="token", kind="status", status=400, reason="invalid_grant", times=1)
    refused = await client.refresh(service, token)
    assert (refused.status, refused.body["error"]) == (400, "invalid_grant")
    assert (await client.refresh(service, token)).status == 200


async def test_a_fault_strikes_its_user_its_service_and_its_operation_only(client: Client) -> None:
    ana, bo, graph = await client.person("google"), await client.person("google", "bo@impact.example"), await client.person("microsoft")
    await client.fault(service="google", operation="list", email="Ana@impact.example", kind="status", status=500)
    assert (await ana.ask("GET", GOOGLE_EVENTS)).status == 500
    assert (await create(ana, "google")).status == 200
    assert (await bo.ask("GET", GOOGLE_EVENTS)).status == 200
    assert (await graph.ask("GET", GRAPH_EVENTS)).status == 200


async def test_an_outage_of_everything_ends_when_the_fault_is_taken_away(client: Client) -> None:
    ana = await client.person("google")
    fault = await client.fault(service="*", kind="status", status=503)
    assert (await ana.ask("GET", GOOGLE_EVENTS)).status == 503
    assert (await client.refresh("google", ana.refresh_token)).status == 503
    assert (await client.ask("DELETE", f"/control/faults/{fault}")).status == 204
    assert (await ana.ask("GET", GOOGLE_EVENTS)).status == 200
    assert (await client.ask("DELETE", f"/control/faults/{fault}")).status == 404


async def test_a_rate_strikes_the_same_requests_for_the_same_seed(launch: Launch) -> None:
    runs = []
    for seed in (7, 7, 8):
        client = await launch(SandboxConfig(seed=seed))
        ana = await client.person("google")
        await client.fault(service="google", operation="list", kind="status", status=500, rate=0.5)
        runs.append([(await ana.ask("GET", GOOGLE_EVENTS)).status for _ in range(40)])
    assert runs[0] == runs[1] != runs[2]
    assert {200, 500} == set(runs[0])


async def test_latency_and_an_error_strike_together_and_hits_are_counted(client: Client) -> None:
    ana = await client.person("google")
    await client.fault(service="google", operation="list", kind="latency", latency_ms=1)
    await client.fault(service="google", operation="list", kind="status", status=500, times=1)
    assert [(await ana.ask("GET", GOOGLE_EVENTS)).status for _ in range(2)] == [500, 200]
    faults = (await client.ask("GET", "/control/faults")).body["faults"]
    assert [(fault["kind"], fault["hits"], fault["spent"]) for fault in faults] == [("latency", 2, False), ("status", 1, True)]
    assert (await client.ask("DELETE", "/control/faults")).status == 204
    assert (await client.ask("GET", "/control/faults")).body == {"faults": []}


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"service": "google", "kind": "status"}, "status"),
        ({"service": "google", "kind": "latency"}, "latency_ms"),
        ({"service": "apple", "kind": "drop_before"}, "service"),
        ({"service": "google", "kind": "drop_before", "operation": "move"}, "operation"),
        ({"service": "google", "kind": "drop_before", "rate": 2}, "rate"),
        ({"service": "google", "kind": "drop_before", "tmes": 2}, "tmes"),
        ({"service": "google", "kind": "status", "status": 200}, "status"),
    ],
)
async def test_a_wrong_order_is_refused_with_the_field_named(client: Client, order: dict[str, Any], named: str) -> None:
    reply = await client.ask("POST", "/control/faults", order)
    assert reply.status == 400
    assert named in reply.body["error"]
