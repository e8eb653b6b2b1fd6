"""Every route with every kind of nonsense: pages, not crashes; and every route is guarded on purpose."""

from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Mount, Route

from tests.integration.portal.conftest import World
from tests.integration.portal.person import Person

#: Whoever comes may see these; everything else asks who it is.
OPEN = {"/", "/healthz", "/signin", "/signin/callback", "/signed-out", "/account", "/admin-consent/callback"}

_NASTY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "\x00", "'\"><script>", "../../etc/passwd", "%s%n", "{{7*7}}", "9" * 400, "-1", "null", "é́🦜", "\r\nX: y", "2026-13-45"]
    ),
)
_NAMES = [
    "state", "code", "error", "error_description", "next", "service", "csrf", "tenant", "grant_id", "events", "switch", "admin_consent",
    "view", "date", "day", "month", "provider", "type", "presence", "booked", "cursor", "since",
]  # fmt: skip
_FIELDS = st.dictionaries(st.one_of(st.sampled_from(_NAMES), _NASTY), _NASTY, max_size=5)


def routes_of(world: World) -> list[Route]:
    return [route for route in world.app.routes if isinstance(route, Route)]


def filled(path: str, value: str) -> str:
    parts = [quote(value, safe="") or "x" if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


async def test_every_route_but_the_open_ones_asks_who_it_is(world: World) -> None:
    person = world.person()
    for route in routes_of(world):
        path = filled(route.path, "c1")
        if route.path in OPEN:
            continue
        for method in sorted((route.methods or set()) - {"HEAD"}):
            answer = await person.http.request(method, path)
            assert answer.status_code in (303, 401), f"{method} {path} answers {answer.status_code}"
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/signin")
    assert any(isinstance(route, Mount) for route in world.app.routes)


async def test_no_nonsense_makes_a_page_crash(world: World) -> None:
    admin = await world.signed_in("morgan@impact.example")
    csrf = next(value for form in admin.forms() for name, value in form.fields if name == "csrf")
    streams = {
        route.path
        for route in routes_of(world)
        if "stream" in route.path or route.path.endswith("/changes") or route.path == "/live/classes"
    }
    routes = [route for route in routes_of(world) if route.path not in streams]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.data())
    def crash(data: st.DataObject) -> None:
        route = data.draw(st.sampled_from(routes))
        path = filled(route.path, data.draw(_NASTY))
        method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]))
        fields = data.draw(_FIELDS)
        drawn.append((method, path, fields, data.draw(st.booleans())))

    drawn: list[tuple[str, str, dict[str, str], bool]] = []
    crash()
    for method, path, fields, with_token in drawn:
        if method == "POST" and path == "/signout":
            continue
        answer = await ask(admin, method, path, fields | ({"csrf": csrf} if with_token else {}))
        assert answer.status_code < 500 or answer.status_code == 503, f"{method} {path} {fields}: {answer.status_code}"
        assert 'data-problem="unexpected"' not in answer.text


async def ask(person: Person, method: str, path: str, fields: dict[str, str]) -> httpx.Response:
    clean = {name.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode() for name, value in fields.items()}
    if method == "POST":
        return await person.http.post(path, data=clean)
    return await person.http.request(method, path, params=clean)
