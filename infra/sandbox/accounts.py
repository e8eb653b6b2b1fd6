"""The accounts that people have at Google and Microsoft, and Microsoft's tenants."""

import uuid
from dataclasses import dataclass, replace

from infra.sandbox.config import GOOGLE, MICROSOFT
from infra.sandbox.mailboxes import Mailboxes

__all__ = ["PERSONAL_TENANT", "Account", "Directory", "Tenant"]

#: learn.microsoft.com/entra/identity-platform/id-token-claims-reference: the tenant of personal accounts.
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


@dataclass(frozen=True, kw_only=True)
class Account:
    """`tenant_id`: Microsoft's only. `admin`: of that tenant. `consented`: to what applications ask for, before they ask.
    `user_principal_name`: where it differs from the e-mail. `has_mail` False: Graph and the id token name no e-mail."""

    service: str
    email: str
    name: str
    tenant_id: str = ""
    admin: bool = False
    consented: bool = False
    user_principal_name: str = ""
    has_mail: bool = True

    @property
    def object_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.email))

    @property
    def login(self) -> str:
        return self.user_principal_name or self.email


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An organisation at Microsoft. `consented`: its administrator has, for everybody in it."""

    tenant_id: str
    domain: str
    name: str = ""
    admin_approval_required: bool = False
    consented: bool = False


_OPEN = Tenant(tenant_id="6f0f1c55-6a26-4a0a-9d0b-6c2c0d1e8a01", domain="impact.example", name="Impact Studios")
_STRICT = Tenant(
    tenant_id="b3a7e1d2-91c4-4f4e-8b57-2f6f3c9d7e02", domain="strict.example", name="Strict Studios", admin_approval_required=True
)
_USUAL_TENANTS = (_OPEN, _STRICT)
_USUAL_ACCOUNTS = (
    Account(service=GOOGLE, email="ana@impact.example", name="Ana Ruiz"),
    Account(service=GOOGLE, email="ben@impact.example", name="Ben Okafor"),
    Account(service=GOOGLE, email="chloe@impact.example", name="Chloé Martin"),
    Account(service=MICROSOFT, email="ana@impact.example", name="Ana Ruiz", tenant_id=_OPEN.tenant_id),
    Account(service=MICROSOFT, email="ben@impact.example", name="Ben Okafor", tenant_id=_OPEN.tenant_id),
    Account(service=MICROSOFT, email="morgan@impact.example", name="Morgan Lee", tenant_id=_OPEN.tenant_id, admin=True),
    Account(service=MICROSOFT, email="chloe@strict.example", name="Chloé Martin", tenant_id=_STRICT.tenant_id),
    Account(service=MICROSOFT, email="admin@strict.example", name="Robin Berg", tenant_id=_STRICT.tenant_id, admin=True),
    Account(service=MICROSOFT, email="ana.ruiz@outlook.example", name="Ana Ruiz", tenant_id=PERSONAL_TENANT),
)


class Directory:
    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}
        self._tenants: dict[str, Tenant] = {}
        self.reset()

    def put(self, account: Account) -> None:
        self._accounts[account.service, account.email] = account

    def remove(self, service: str, email: str) -> bool:
        return self._accounts.pop((service, email), None) is not None

    def put_tenant(self, tenant: Tenant) -> None:
        self._tenants[tenant.tenant_id] = tenant

    def consent_for_all(self, tenant_id: str) -> None:
        self._tenants[tenant_id] = replace(self._tenants[tenant_id], consented=True)

    def tenant(self, name: str) -> Tenant | None:
        """By id or by domain."""
        by_domain = (tenant for tenant in self._tenants.values() if tenant.domain == name.lower())
        return self._tenants.get(name.lower()) or next(by_domain, None)

    def tenants(self) -> list[Tenant]:
        return list(self._tenants.values())

    def account(self, service: str, email: str, mailboxes: Mailboxes) -> Account | None:
        """Also one that nobody described, whose mailbox a grant made."""
        key = (service, email.lower())
        known = self._accounts.get(key)
        if known is None and mailboxes.get(*key) is not None:
            return self._undescribed(*key)
        return known

    def accounts(self, service: str, mailboxes: Mailboxes) -> list[Account]:
        described = [account for account in self._accounts.values() if account.service == service]
        emails = {account.email for account in described}
        others = (box.email for box in mailboxes if box.service == service and box.email not in emails)
        return described + [self._undescribed(service, email) for email in others]

    def all(self) -> list[Account]:
        return list(self._accounts.values())

    def reset(self) -> None:
        self._accounts = {(account.service, account.email): account for account in _USUAL_ACCOUNTS}
        self._tenants = {tenant.tenant_id: tenant for tenant in _USUAL_TENANTS}

    def _undescribed(self, service: str, email: str) -> Account:
        name, _, domain = email.partition("@")
        tenant = self.tenant(domain) if service == MICROSOFT else None
        tenant_id = "" if service == GOOGLE else tenant.tenant_id if tenant else PERSONAL_TENANT
        return Account(service=service, email=email, name=name, tenant_id=tenant_id)
