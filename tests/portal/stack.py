"""The whole product as processes: the workers of the e2e tests, and beside them the read model and the portal."""

import base64
import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.sandbox.config import SandboxConfig
from tests.e2e.stack import Stack, worker_env
from tests.support.ports import free_port
from tests.support.processes import Worker

__all__ = ["PortalStack", "portal_stack"]


class PortalStack(Stack):
    """`portal_url`: where a browser finds the pages."""

    def __init__(self, env: Mapping[str, str], directory: Path, *, sandbox_port: int, portal_port: int) -> None:
        super().__init__(env, directory, sandbox_port)
        self.portal_url = self.env["IMPACT_PORTAL_URL"]
        self.ports |= {"read-model": free_port(), "portal": portal_port}
        watched = self.env | {"IMPACT_METRICS_PORT": str(self.ports["read-model"])}
        self.workers["read-model"] = Worker("read-model", env=watched, log=directory / "read-model.log")
        self.workers["portal"] = Worker("portal", "--port", str(portal_port), env=self.env, log=directory / "portal.log")

    @contextmanager
    def paused(self, worker: str) -> Iterator[None]:
        """The worker stands still meanwhile, as on a machine that is busy; everything else goes on."""
        self.workers[worker].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.workers[worker].send_signal(signal.SIGCONT)


def portal_stack(inherited: Mapping[str, str], *, kafka: str, directory: Path) -> PortalStack:
    """Not started yet; over topics of its own."""
    sandbox_port, portal_port = free_port(), free_port()
    sandbox_url, portal_url = f"http://127.0.0.1:{sandbox_port}", f"http://127.0.0.1:{portal_port}"
    env = worker_env(inherited, kafka=kafka, prefix=f"portal-{secrets.token_hex(3)}.", directory=directory, sandbox_url=sandbox_url)
    pages = {
        **SandboxConfig(portal_url=portal_url).env(sandbox_url),
        "IMPACT_SESSION_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    return PortalStack(env | pages, directory, sandbox_port=sandbox_port, portal_port=portal_port)
