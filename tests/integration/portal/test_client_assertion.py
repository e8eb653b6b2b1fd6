"""Without a secret: a certificate and a federated identity connect at the sandbox, and the worker's refresh accepts the same."""

import datetime
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.errors import Misconfigured
from adapters.http import LeanClient
from adapters.microsoft.client_credential import CertificateCredential, ClientCredential, SecretCredential, WorkloadIdentity
from adapters.microsoft.tokens import MicrosoftTokens
from adapters.portal.app import create_portal
from adapters.portal.deps import MicrosoftApp
from infra.sandbox.config import FederatedCredential, SandboxClient, SandboxConfig
from infra.sandbox.server import serve
from tests.integration.portal.conftest import World, deps_for
from tests.integration.portal.connecting import connect_microsoft
from tests.integration.portal.person import problem_of
from tests.integration.portal.test_connect import granted, opened
from tests.support.portal import FakePublisher, FakeReadModel, TestClock
from tests.unit.portal.test_client_credential import certificate_of, pem_of

ISSUER, SUBJECT = "https://cluster.example", "system:serviceaccount:impact:portal"


def projected_token(key: rsa.RSAPrivateKey, subject: str = SUBJECT) -> str:
    now = datetime.datetime.now(datetime.UTC)
    claims = {"iss": ISSUER, "sub": subject, "aud": "api://AzureADTokenExchange", "iat": now, "exp": now + datetime.timedelta(hours=1)}
    return jwt.encode(claims, key, algorithm="RS256")


async def world_with(stack: AsyncExitStack, client: SandboxClient, credential: ClientCredential) -> World:
    sandbox = await serve(config=SandboxConfig(clients=(client,)))
    stack.push_async_callback(sandbox.close)
    read_model, clock = FakeReadModel(), TestClock()
    publisher = FakePublisher(apply_to=read_model)
    deps = deps_for(sandbox.base_url, read_model, publisher, clock)
    assert isinstance(deps.microsoft, MicrosoftApp)
    deps = replace(deps, microsoft=replace(deps.microsoft, credential=credential))
    app = create_portal(deps)
    stack.push_async_callback(app.state.services.close)
    return World(sandbox, deps, read_model, publisher, clock, app)


@pytest.mark.parametrize("kind", ["certificate", "workload"])
async def test_connecting_and_refreshing_work_without_a_secret(stack: AsyncExitStack, tmp_path: Path, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    certificate = certificate_of(key).public_bytes(serialization.Encoding.PEM)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    file = tmp_path / "token"
    file.write_text(projected_token(key))
    client = SandboxClient(
        client_secret="never-used",
        certificates=(certificate.decode(),),
        federated=(FederatedCredential(issuer=ISSUER, subject=SUBJECT, public_key=public),),
    )
    credential: ClientCredential = WorkloadIdentity(file)
    if kind == "certificate":
        credential = CertificateCredential(certificate + pem_of(key), client_id=client.client_id)
    world = await world_with(stack, client, credential)
    person = await world.signed_in()
    stack.push_async_callback(person.http.aclose)
    await connect_microsoft(person)
    tokens = MicrosoftTokens(
        LeanClient(timeout=datetime.timedelta(seconds=10)),
        authority=f"{world.sandbox.base_url}/common",
        client_id=client.client_id,
        credential=credential,
    )
    stack.push_async_callback(tokens.close)
    fresh = await tokens.refresh(opened(granted(world)), datetime.datetime.now(datetime.UTC))
    assert fresh.access_token


async def test_a_wrong_proof_is_the_operators_affair_and_connects_nothing(stack: AsyncExitStack) -> None:
    world = await world_with(stack, SandboxClient(), SecretCredential("wrong"))
    person = await world.signed_in()
    stack.push_async_callback(person.http.aclose)
    page = await connect_microsoft(person)
    assert problem_of(page) == "service_refused"
    assert world.publisher.events == []


class Unavailable:
    async def form(self, token_url: str) -> dict[str, str]:
        from schemas.connections import Service

        raise Misconfigured(Service.MICROSOFT, "managed_identity_unavailable")

    async def close(self) -> None:
        """Nothing is held."""


async def test_an_identity_that_is_not_there_is_a_friendly_page(stack: AsyncExitStack) -> None:
    world = await world_with(stack, SandboxClient(), Unavailable())
    person = await world.signed_in()
    stack.push_async_callback(person.http.aclose)
    assert problem_of(await connect_microsoft(person)) == "service_unavailable"
