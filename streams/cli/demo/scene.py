"""What a scene is, and what it acts through and looks with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.outcomes import Outcome, OutcomeKind
from streams.cli.brokers import admin_client, consumer_client
from streams.cli.demo.audit import Audit
from streams.cli.demo.booking import Booking
from streams.cli.demo.cast import Lesson, Provider, Timetable
from streams.cli.demo.checks import Checker, Claim, NotYetError, Probe, Seen
from streams.cli.demo.portal import Portal, Visitor
from streams.cli.demo.services import RemoteView, SimulatedServices
from streams.cli.demo.stage import Stage
from streams.cli.report import Report, gather

__all__ = ["Play", "Scene", "described", "when"]


#: Marks whose detail says why, instead of the same once more.
_EXPLAINED = frozenset({"none", "waiting", "failed"})


@dataclass(frozen=True, kw_only=True)
class Play:
    """Everything that scenes share."""

    stage: Stage
    booking: Booking
    portal: Portal
    visitors: Mapping[Provider, Visitor]
    services: SimulatedServices
    audit: Audit
    checker: Checker
    timetable: Timetable

    async def verify(self, text: str, how: str, probe: Probe, within: float = 60.0) -> None:
        """Raises CommandError."""
        await self.checker.verify(Claim(text=text, how=how, within=within), probe)

    async def standing(self, lesson: Lesson, provider: Provider) -> list[RemoteView]:
        """The events for a class on a provider's calendar."""
        return [event for event in await self.services.events(provider.service, provider.email) if event.url == lesson.url]

    async def the_event(self, lesson: Lesson, provider: Provider) -> RemoteView:
        """The only event for a class, and it shows the class as it is now. Raises NotYetError."""
        events = await self.standing(lesson, provider)
        if len(events) != 1 or not lesson.is_shown_by(events[0]):
            raise NotYetError(f"{provider}: " + ("; ".join(map(described, events)) or "nothing stands"))
        return events[0]

    def shown(self, lesson: Lesson, kind: OutcomeKind) -> Probe:
        """The class as it is now stands once on its provider's calendar, and the last change ended as `kind`."""
        provider = lesson.provider

        async def probe() -> Seen:
            event = await self.the_event(lesson, provider)
            return Seen(what=f"{provider}: {described(event)}", why=self.why(lesson, provider, kind))

        return probe

    def gone(self, lesson: Lesson, provider: Provider, kind: OutcomeKind) -> Probe:
        async def probe() -> Seen:
            if events := await self.standing(lesson, provider):
                raise NotYetError(f"{provider}: " + "; ".join(map(described, events)))
            return Seen(what=f"{provider}: no {lesson.title}", why=self.why(lesson, provider, kind))

        return probe

    def marked(self, lesson: Lesson, provider: Provider, mark: str) -> Probe:
        """The class has this mark in the classes view that the provider sees."""

        async def probe() -> Seen:
            marks = await self.visitors[provider].marks(lesson.starts_at.date())
            found = marks.get(lesson.class_id)
            if found is None or found.name != mark:
                raise NotYetError(f"{provider}: " + (f"the mark is {found.name} ({found.detail})" if found else "the class is not there"))
            shown = f"{provider}: {when(lesson.starts_at, lesson.ends_at)} · {lesson.title} · {found.words}"
            return Seen(what=shown, why=found.detail if found.name in _EXPLAINED else "")

        return probe

    def why(self, lesson: Lesson, provider: Provider, kind: OutcomeKind) -> str:
        """From the audit log, for the class's newest version. Raises NotYetError until that ended as `kind`."""
        outcomes = self.audit.outcomes(provider.provider_id, lesson.class_id, lesson.version)
        if not outcomes or outcomes[-1].kind is not kind:
            raise NotYetError(f"the audit log says {outcomes[-1].kind.value if outcomes else 'nothing'} of version {lesson.version}")
        cause = self.audit.cause(outcomes[-1].intent_id)
        if cause is None:
            raise NotYetError(f"the intent of version {lesson.version} is not read yet")
        return f"{cause} (version {lesson.version}) → " + " → ".join(map(_said, outcomes))

    async def report(self) -> Report:
        """What `impact-calendar status` tells."""
        settings = self.stage.settings
        async with admin_client(settings.kafka) as admin, consumer_client(settings.kafka) as consumer:
            return await gather(admin, consumer, settings.topics)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`told`: one line of plain English. `act` does and verifies; it raises CommandError when something does not hold."""

    title: str
    told: str
    act: Callable[[Play], Awaitable[None]]


def when(starts_at: datetime, ends_at: datetime) -> str:
    return f"{starts_at:%a} {starts_at.day} {starts_at:%b} {starts_at:%H:%M}-{ends_at:%H:%M}"


def described(event: RemoteView) -> str:
    return f"{when(event.start_local, event.end_local)} · {event.title} · {event.location}"


def _said(outcome: Outcome) -> str:
    words = outcome.kind.value
    if outcome.reason not in (None, words):
        words += f" ({outcome.reason})"
    return words + (f" at try {outcome.attempt}" if outcome.attempt > 1 else "")
