"""How providers come to be connected to their calendars."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from streams.cli.demo.cast import Provider
from streams.cli.demo.services import SimulatedServices
from streams.cli.errors import CommandError

__all__ = ["Connecting", "ImportedGrants"]


class Connecting(Protocol):
    """A way to connect providers; another is the consent given in a browser through the portal."""

    async def connect(self, providers: Sequence[Provider]) -> None:
        """Returns when the connections are published. A provider connected before gets a new grant."""
        ...


class ImportedGrants:
    """Consent given elsewhere, imported by `impact-calendar connections import` as an operator does it for a migration."""

    def __init__(self, services: SimulatedServices, env: Mapping[str, str]) -> None:
        self._services = services
        self._env = dict(env)

    async def connect(self, providers: Sequence[Provider]) -> None:
        lines = [await self._line(provider) for provider in providers]
        # Through stdin, so that no token stands in a file or a list of processes.
        command = (sys.executable, "-P", "-m", "streams.cli.main", "connections", "import", "-")
        pipe = asyncio.subprocess.PIPE
        importing = await asyncio.create_subprocess_exec(*command, env=self._env, stdin=pipe, stdout=pipe, stderr=pipe)
        try:
            _, said = await importing.communicate("".join(lines).encode())
        except BaseException:
            if importing.returncode is None:
                importing.kill()
            raise
        if importing.returncode != 0:
            raise CommandError(f"the connections could not be imported: {said.decode(errors='replace').strip()}")

    async def _line(self, provider: Provider) -> str:
        refresh_token, scopes = await self._services.consent(provider.service, provider.email)
        grant = {
            "provider_id": provider.provider_id,
            "service": provider.service.value,
            "email": provider.email,
            "refresh_token": refresh_token,
            "scopes": scopes,
            "connected_at": datetime.now(UTC).isoformat(),
        }
        return json.dumps(grant) + "\n"
