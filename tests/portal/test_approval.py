"""A browser that waits for an administrator who approves at Microsoft itself, without the link: only Microsoft can tell the page."""

import pytest

from tests.e2e.world import World
from tests.portal.conftest import Visit
from tests.portal.visitor import EXTERNAL, Visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="package")]

TENANT = {"tenant_id": "5b0e7f5a-1c8d-4e8e-9d4b-2a7c6e1f4d04", "domain": "distant.example", "name": "Distant Studios"}
TOLD = "Your administrator has allowed Impact Feedback"


async def test_an_opened_page_asks_microsoft_by_itself_and_tells(visit: Visit, world: World) -> None:
    await world.sandbox.control("POST", "/control/tenants", TENANT | {"admin_approval_required": True})
    wim = await visit("Wim Ekdal", domain="distant.example")
    await wim.sign_in()
    await wim.to_consent("microsoft")
    await wim.press("Return to the application without granting consent")
    await wim.follow("Back to your profile")
    await wim.says("Waiting for your administrator")
    await world.sandbox.control("POST", "/control/tenants", TENANT | {"admin_approval_required": True, "consented": True})
    await eventually(lambda: opened_says(wim, TOLD), what="the page to say it")
    await wim.press("Connect Microsoft 365")
    await wim.choose_account()
    await wim.state("connected")


async def opened_says(visitor: Visitor, text: str) -> bool:
    """The page goes to Microsoft and back by itself, as soon as that is due."""
    await visitor.open(EXTERNAL)
    await visitor.page.wait_for_timeout(500)
    return text in await visitor.page.locator("main").inner_text()
