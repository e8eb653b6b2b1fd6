"""The identity platform's discovery document and keys. For `common` and `organizations` the issuer is a template, as Microsoft's is:
a token names the tenant of its person."""

from aiohttp import web

from infra.sandbox.accounts import PERSONAL_TENANT
from infra.sandbox.answers import Refusal, to_response
from infra.sandbox.config import MICROSOFT
from infra.sandbox.microsoft.audience import require_tenant
from infra.sandbox.world import WORLD, World

__all__ = ["routes"]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/{tenant}/v2.0/.well-known/openid-configuration", _configuration),
        web.get("/{tenant}/discovery/v2.0/keys", _keys),
    ]


async def _configuration(request: web.Request) -> web.Response:
    segment = request.match_info["tenant"]
    try:
        named = _named(request.app[WORLD], segment)
    except Refusal as refusal:
        return to_response(refusal.answer)
    authority = f"{request.url.origin()}/{segment}"
    return web.json_response(
        {
            "issuer": f"{request.url.origin()}/{named}/v2.0",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
            "jwks_uri": f"{authority}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "private_key_jwt"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


async def _keys(request: web.Request) -> web.Response:
    return web.json_response(request.app[WORLD].keys[MICROSOFT].jwk_set())


def _named(world: World, segment: str) -> str:
    require_tenant(world, segment)
    if segment in ("common", "organizations"):
        return "{tenantid}"
    tenant = world.directory.tenant(segment)
    return tenant.tenant_id if tenant is not None else PERSONAL_TENANT
