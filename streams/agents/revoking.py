"""Revoking a grant that is not needed any more at its service, where that can be done. Its tokens are forgotten either way."""

import logging
from collections.abc import Mapping

from adapters.errors import CalendarError
from adapters.ports import TokenPort
from adapters.vault.seal import KeyRing, SealError
from adapters.vault.tokens import Grant
from schemas.connections import Service

__all__ = ["REVOKE_ATTEMPTS", "Revoker"]

log = logging.getLogger(__name__)

#: How often a service is asked.
REVOKE_ATTEMPTS = 3


class Revoker:
    def __init__(self, ring: KeyRing, ports: Mapping[Service, TokenPort]) -> None:
        self._ring = ring
        self._ports = ports

    async def revoke(self, grant: Grant) -> None:
        """Raises nothing; what went wrong is in the log."""
        port = self._ports.get(grant.service)
        if port is None:
            return
        told = {"provider_id": grant.provider_id, "service": grant.service.value}
        try:
            token = self._ring.open(grant.sealed_refresh_token, grant.aad)
        except SealError as error:
            log.warning("a grant's token cannot be opened to revoke it", extra=told | {"error": type(error).__name__})
            return
        for attempt in range(1, REVOKE_ATTEMPTS + 1):
            try:
                await port.revoke(token)
                return
            except CalendarError as error:
                log.warning(
                    "a grant could not be revoked at the service; its tokens are forgotten here all the same",
                    extra=told | {"code": error.code, "attempt": attempt},
                )
