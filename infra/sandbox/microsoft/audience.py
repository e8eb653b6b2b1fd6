"""Which accounts a `{tenant}` in an address admits: common, organizations, consumers, or one tenant by id or domain.

Source: learn.microsoft.com/entra/identity-platform/v2-protocols#endpoints.
"""

from infra.sandbox.accounts import PERSONAL_TENANT, Account, Tenant
from infra.sandbox.config import MICROSOFT
from infra.sandbox.microsoft.aadsts import blocked
from infra.sandbox.world import World

__all__ = ["admitted", "admits", "require_tenant", "tenant_of"]


def require_tenant(world: World, segment: str) -> None:
    """Raises Refusal, a page, when there is no such tenant."""
    if segment not in ("common", "organizations", "consumers", PERSONAL_TENANT) and world.directory.tenant(segment) is None:
        raise blocked(90002, f"Tenant '{segment[:80]}' not found. Check to make sure you have the correct tenant ID.")


def admits(world: World, segment: str, account: Account) -> bool:
    match segment:
        case "common":
            return True
        case "organizations":
            return account.tenant_id != PERSONAL_TENANT
        case "consumers" | "9188040d-6c67-4c5b-b112-36a304b66dad":
            return account.tenant_id == PERSONAL_TENANT
        case _:
            tenant = world.directory.tenant(segment)
            return tenant is not None and tenant.tenant_id == account.tenant_id


def admitted(world: World, segment: str) -> list[Account]:
    return [account for account in world.directory.accounts(MICROSOFT, world.mailboxes) if admits(world, segment, account)]


def tenant_of(world: World, account: Account) -> Tenant | None:
    """None for a personal account."""
    return world.directory.tenant(account.tenant_id)
