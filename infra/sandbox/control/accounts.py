"""Which accounts and tenants there are, and what is consented to before anybody asks."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web

from infra.sandbox.accounts import PERSONAL_TENANT, Account, Tenant
from infra.sandbox.config import MICROSOFT
from infra.sandbox.control.grants import Email
from infra.sandbox.control.http import answer, problem, read
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]

_Guid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Domain = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)]
_Text = Annotated[str, msgspec.Meta(max_length=200)]


class _Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`tenant_id` absent: the tenant of the e-mail's domain; where there is none, a personal account."""

    service: Literal["google", "microsoft"]
    email: Email
    name: _Text = ""
    tenant_id: str = ""
    admin: bool = False
    consented: bool = False
    user_principal_name: _Text = ""
    has_mail: bool = True


class _Tenant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tenant_id: _Guid
    domain: _Domain
    name: _Text = ""
    admin_approval_required: bool = False
    consented: bool = False


def routes() -> list[web.RouteDef]:
    return [
        web.get("/control/accounts", _list),
        web.post("/control/accounts", _put),
        web.delete("/control/accounts/{service}/{email}", _remove),
        web.get("/control/tenants", _list_tenants),
        web.post("/control/tenants", _put_tenant),
    ]


async def _list(request: web.Request) -> web.Response:
    return answer(200, {"accounts": request.app[WORLD].directory.all()})


async def _put(request: web.Request) -> web.Response:
    world, wanted = request.app[WORLD], await read(request, _Account)
    account = Account(
        service=wanted.service,
        email=wanted.email.lower(),
        name=wanted.name or wanted.email.partition("@")[0],
        tenant_id=_tenant_id(world, wanted),
        admin=wanted.admin,
        consented=wanted.consented,
        user_principal_name=wanted.user_principal_name,
        has_mail=wanted.has_mail,
    )
    world.directory.put(account)
    return answer(201, account)


def _tenant_id(world: World, wanted: _Account) -> str:
    if wanted.service != MICROSOFT:
        return ""
    found = world.directory.tenant(wanted.tenant_id or wanted.email.partition("@")[2])
    if wanted.tenant_id not in ("", PERSONAL_TENANT) and found is None:
        raise problem(400, "tenant_id: no such tenant")
    return found.tenant_id if found is not None else PERSONAL_TENANT


async def _remove(request: web.Request) -> web.Response:
    if not request.app[WORLD].directory.remove(request.match_info["service"], request.match_info["email"].lower()):
        raise problem(404, "no such account")
    return web.Response(status=204)


async def _list_tenants(request: web.Request) -> web.Response:
    return answer(200, {"tenants": request.app[WORLD].directory.tenants()})


async def _put_tenant(request: web.Request) -> web.Response:
    wanted = await read(request, _Tenant)
    tenant = Tenant(**msgspec.structs.asdict(wanted))
    request.app[WORLD].directory.put_tenant(tenant)
    return answer(201, tenant)
