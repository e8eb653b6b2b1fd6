"""What an account has consented to, by itself or through its administrator, and who may consent."""

from infra.sandbox.accounts import Account
from infra.sandbox.config import MICROSOFT
from infra.sandbox.microsoft.audience import tenant_of
from infra.sandbox.microsoft.permissions import APPLICATION_PERMISSIONS, OIDC_SCOPES, short
from infra.sandbox.world import World

__all__ = ["lacks_consent", "needs_approval"]


def lacks_consent(world: World, account: Account, client_id: str, wanted: tuple[str, ...]) -> bool:
    if account.consented:
        return False
    held = {short(scope) for scope in world.grants[MICROSOFT].consented(account.email, client_id)}
    tenant = tenant_of(world, account)
    if tenant is not None and tenant.consented:
        held |= {short(scope) for scope in APPLICATION_PERMISSIONS} | OIDC_SCOPES
    return not {short(scope) for scope in wanted} <= held


def needs_approval(world: World, account: Account) -> bool:
    """Whether a consent page is not for this account: its tenant leaves consent to administrators."""
    tenant = tenant_of(world, account)
    return tenant is not None and tenant.admin_approval_required and not account.admin
