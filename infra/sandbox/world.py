"""Everything the sandbox knows, in one place."""

from aiohttp import web

from infra.sandbox.accounts import Directory
from infra.sandbox.clock import Clock
from infra.sandbox.codes import CodeBook
from infra.sandbox.config import GOOGLE, MICROSOFT, SandboxConfig
from infra.sandbox.faults import FaultBoard
from infra.sandbox.grants import GrantBook
from infra.sandbox.journal import Journal
from infra.sandbox.mailboxes import Mailbox, Mailboxes, StoredEvent
from infra.sandbox.oidc.state import OidcState
from infra.sandbox.redirects import Redirects
from infra.sandbox.signing import SigningKeys

__all__ = ["WORLD", "World"]


class World:
    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.clock = Clock()
        self.faults = FaultBoard(config.seed)
        self.journal = Journal(config.journal_size)
        self.mailboxes = Mailboxes()
        self.grants = {
            # 100 refresh tokens per account and client, the oldest dropped silently: developers.google.com/identity/protocols/oauth2.
            GOOGLE: GrantBook(GOOGLE, refresh_prefix="1//", access_prefix="ya29.", cap=config.google_refresh_tokens_per_account),
            MICROSOFT: GrantBook(MICROSOFT, refresh_prefix="1.A", access_prefix="EwB"),
        }

        self.redirects = Redirects(config.portal_url)
        self.oidc = OidcState()
        self.directory = Directory()
        self.codes = {GOOGLE: CodeBook("4/0A"), MICROSOFT: CodeBook("1.A")}
        self.keys = {GOOGLE: SigningKeys(), MICROSOFT: SigningKeys()}

    def add_event(self, mailbox: Mailbox, event: StoredEvent) -> None:
        """Put a new event on a calendar, and count it when the mailbox has a standing one with the same mark."""
        mark = self._mark(event)
        if mark:
            twins = mailbox.marks.setdefault(mark, [])
            if any(twin.standing and twin.id in mailbox.events for twin in twins):
                mailbox.duplicates += 1
            twins.append(event)
        mailbox.add(event)

    def reset(self) -> None:
        self.clock.reset()
        self.faults.reset()
        self.journal.clear()
        self.mailboxes.clear()
        for book in self.grants.values():
            book.clear()
        for codes in self.codes.values():
            codes.clear()
        self.redirects.reset()
        self.oidc.reset()
        self.directory.reset()

    def _mark(self, event: StoredEvent) -> frozenset[tuple[str, str]]:
        named = frozenset((name, event.private[name]) for name in self.config.mark_names if name in event.private)
        return named or frozenset(event.private.items())


WORLD: web.AppKey[World] = web.AppKey("world", World)
