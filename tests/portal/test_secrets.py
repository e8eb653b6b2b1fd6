"""After all those flows: no token, key or student where it does not belong. Runs last, and searches what every test before it left too."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.test_secrets import TOKEN
from tests.e2e.topics import all_records
from tests.e2e.world import STUDENT, World
from tests.portal.conftest import Visit
from tests.portal.screens import Screens
from tests.portal.stack import PortalStack

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="package")]

SECRET_SETTINGS = ("IMPACT_SESSION_KEY", "IMPACT_OIDC_CLIENT_SECRET", "IMPACT_GOOGLE_CLIENT_SECRET", "IMPACT_MICROSOFT_CLIENT_SECRET")


async def traffic(visit: Visit, world: World) -> None:
    """At both services: connected, a class with a student, its timeline looked at, disconnected."""
    assert TOKEN.fullmatch((await world.sandbox.grant((await visit("Zoe Vance")).who.at("google").account))[0].encode())
    for service in ("google", "microsoft"):
        zoe, story = await visit(f"Zoe {service.title()}"), world.new_class()
        await zoe.sign_in()
        await zoe.connect(service)
        await world.shown(zoe.who.at(service), await story.book(zoe.who.sub))
        await zoe.open(f"/manage/classes/timeline?class={story.class_id}")
        await zoe.says("1 student")
        await zoe.look(f"timeline-{service}")
        await zoe.open("/account/profile/external/disconnect")
        await zoe.press("Disconnect")
        await zoe.state("not_connected")


async def test_no_secret_stands_in_a_page_a_log_a_topic_or_on_disk(
    visit: Visit, world: World, stack: PortalStack, screens: Screens
) -> None:
    await traffic(visit, world)
    await nowhere_in_clear(stack, screens)
    await sealed_in_the_topics(world, stack)


async def nowhere_in_clear(stack: PortalStack, screens: Screens) -> None:
    logs = stack.logs
    assert {"portal.log", "read-model.log", "execute.log"} <= set(logs)
    pages = {state: html.encode() for state, html in screens.seen.items()}
    files = await asyncio.to_thread(on_disk, Path(stack.env["IMPACT_DATA_DIR"]))
    assert any("read-model" in name for name in files), sorted(files)
    for name, content in {**pages, **logs, **files}.items():
        assert not TOKEN.search(content), name
        for setting in SECRET_SETTINGS:
            assert stack.env[setting].encode() not in content, (name, setting)
    for name, content in {**pages, **logs}.items():
        assert STUDENT.encode() not in content, name
    assert b"code=" not in logs["portal.log"], "an authorization code is in the portal's log"


def on_disk(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


async def sealed_in_the_topics(world: World, stack: PortalStack) -> None:
    records = await all_records(stack.settings, [topic.name for topic in world.topics.all()])
    sealed = [record for record in records if record.topic == world.topics.connections and b"connection.granted" in record.value]
    assert len(sealed) >= 2
    assert all(b'"sealed_refresh_token":"v1.test.' in record.value for record in sealed)
    for record in records:
        assert not TOKEN.search(b"\0".join((record.key or b"", record.value or b"", *(value for _, value in record.headers)))), record.topic
