"""The issuer's address, its configuration and its keys (OpenID Connect Discovery)."""

from aiohttp import web

from infra.sandbox.world import WORLD

__all__ = ["SCOPES", "issuer", "routes"]

SCOPES = ("openid", "email", "profile")


def issuer(request: web.Request) -> str:
    return f"{request.url.origin()}/oidc"


def routes() -> list[web.RouteDef]:
    return [web.get("/oidc/.well-known/openid-configuration", _configuration), web.get("/oidc/jwks", _jwks)]


async def _configuration(request: web.Request) -> web.Response:
    base = issuer(request)
    return web.json_response(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "end_session_endpoint": f"{base}/logout",
            "jwks_uri": f"{base}/jwks",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": list(SCOPES),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "email", "email_verified", "name", "cognito:groups", "cognito:username", "auth_time"],
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
    )


async def _jwks(request: web.Request) -> web.Response:
    return web.json_response(request.app[WORLD].oidc.keys.jwk_set())
