"""Scenes at the portal: providers connect, a consent is withdrawn and given again, and one provider leaves."""

from datetime import UTC, datetime, timedelta

from adapters.wording import SERVICE_NAMES
from schemas.connections import ConnectionState
from schemas.outcomes import OutcomeKind
from streams.cli.demo.cast import CHIARA, DMITRI, PROVIDERS, Provider
from streams.cli.demo.checks import NotYetError, Probe, Seen
from streams.cli.demo.portal import External
from streams.cli.demo.scene import Play, Scene, described
from streams.cli.demo.services import RemoteView
from streams.cli.demo.together import together
from streams.cli.errors import CommandError

__all__ = ["OPENING", "SCENES"]

_PAGE = "the portal's page EXTERNAL"
_MARK = "mark in the portal's classes view"
_REMOVE = "Remove upcoming events first"


async def _connected(play: Play) -> None:
    async def nobody() -> Seen:
        for provider in PROVIDERS:
            await _external(play, provider, "not_connected")
        return Seen(what=f"{', '.join(provider.name for provider in PROVIDERS)}: signed in, not connected")

    async def everybody() -> Seen:
        seen = [_account(provider, await _external(play, provider, "connected")) for provider in PROVIDERS]
        return Seen(what="\n".join(seen), why="consent on the service's own page; the token is sealed before it is published")

    await play.verify("Signed in, nobody is connected yet", _PAGE, nobody)
    await together(*(play.visitors[provider].connect(provider.service, provider.email) for provider in PROVIDERS))
    await play.verify("They came by OAuth2, with PKCE and state", "addresses the browsers went to", _consents(play))
    await play.verify("Each sees the account that is connected", _PAGE, everybody)


def _consents(play: Play) -> Probe:
    async def probe() -> Seen:
        states = set()
        for provider in PROVIDERS:
            asked, back = play.visitors[provider].consent, play.visitors[provider].back_at
            if asked.get("code_challenge_method") != "S256" or not asked.get("state"):
                raise NotYetError(f"{provider}: the request had no proof key or no state")
            if back is None or back.query.get("state") != asked["state"] or str(back.with_query(None)) != asked["redirect_uri"]:
                raise NotYetError(f"{provider}: the way back was another one")
            states.add(asked["state"])
        return Seen(what=f"{len(states)} consents, each with a state of its own that came back, and a proof key (S256)")

    return probe


async def _external(play: Play, provider: Provider, state: str) -> External:
    """Raises NotYetError until the provider's page shows this state."""
    shown = await play.visitors[provider].external()
    if shown.state != state:
        raise NotYetError(f"{provider}: EXTERNAL says {shown.state}")
    return shown


def _account(provider: Provider, shown: External) -> str:
    """Raises NotYetError when it is another account than the provider's."""
    facts = shown.facts
    if (facts.get("Provider"), facts.get("Email")) != (SERVICE_NAMES[provider.service], provider.email):
        raise NotYetError(f"{provider}: EXTERNAL shows {dict(facts)}")
    return f"{provider}: {facts['Email']}, connected {facts['Connected']}"


async def _revoked(play: Play) -> None:
    aqua = play.timetable.aqua
    await play.booking.publish(aqua.scheduled(), aqua.student_added())
    await play.verify("Aqua Fitness stands at first", "read back from the calendar", play.shown(aqua, OutcomeKind.CREATED))
    before = await play.the_event(aqua, DMITRI)
    await play.services.withdraw_consent(DMITRI.service, DMITRI.email)
    await play.booking.publish(aqua.moved(timedelta(hours=2)))
    await play.verify("Without a grant the change waits", "status, audit log, calendar", _waits(play, before))

    async def told() -> Seen:
        shown = await _external(play, DMITRI, "needs_reconnect")
        if not shown.alert:
            raise NotYetError("EXTERNAL gives no reason")
        return Seen(what=f"{DMITRI}: needs reconnecting", why=shown.alert)

    await play.verify("He is told that it ended, and why", _PAGE, told)
    await play.verify("It is marked as waiting meanwhile", _MARK, play.marked(aqua, DMITRI, "waiting"))


def _waits(play: Play, before: RemoteView) -> Probe:
    """Aqua Fitness stands as `before`, since Dmitri's connection ended."""
    aqua = play.timetable.aqua

    async def probe() -> Seen:
        why = play.why(aqua, DMITRI, OutcomeKind.WAITING)
        _require_status(play, DMITRI, ConnectionState.NEEDS_RECONNECT)
        events = await play.standing(aqua, DMITRI)
        if [event.start_local for event in events] != [before.start_local]:
            raise NotYetError("the calendar changed without a grant")
        return Seen(what=f"{DMITRI}: still {described(events[0])}", why=why)

    return probe


def _require_status(play: Play, provider: Provider, state: ConnectionState) -> None:
    status = play.audit.status(provider.provider_id)
    if status is None or status.state is not state:
        raise NotYetError(f"the connection's status is {status.state.value if status else 'not known'}")


async def _reconnected(play: Play) -> None:
    aqua = play.timetable.aqua
    await play.visitors[DMITRI].reconnect(DMITRI.service)
    await play.verify("Reconnected, the calendar catches up", "read back from the calendar", play.shown(aqua, OutcomeKind.UPDATED))

    async def well() -> Seen:
        _require_status(play, DMITRI, ConnectionState.CONNECTED)
        shown = await _external(play, DMITRI, "connected")
        return Seen(what=f"{_account(DMITRI, shown)}; {shown.standing}")

    await play.verify("The connection is well again", "status topic, page EXTERNAL", well)
    await play.verify("It is marked as on the calendar again", _MARK, play.marked(aqua, DMITRI, "synced"))


async def _disconnected(play: Play) -> None:
    stood = len(await play.services.events(CHIARA.service, CHIARA.email))
    await play.visitors[CHIARA].disconnect(_REMOVE)
    await play.verify("Her upcoming classes are off her calendar", "read back from the calendar", _emptied(play, stood))

    async def given_back() -> Seen:
        answers = [call.status for call in await play.services.calls(CHIARA.service, CHIARA.email) if call.operation == "revoke"]
        if answers != [200]:
            raise NotYetError(f"Google answered {answers} to revocations")
        return Seen(what="Google was asked once to revoke the grant, and did", why="a token that nobody needs shall open nothing")

    async def ended() -> Seen:
        await _external(play, CHIARA, "not_connected")
        return Seen(what=f"{CHIARA}: not connected")

    await play.verify("The grant is revoked at Google", "what Google answered", given_back)
    await play.verify("She sees that she is not connected", _PAGE, ended)
    await play.verify("Her classes are marked: not connected", _MARK, play.marked(play.timetable.stretch, CHIARA, "not_connected"))


def _emptied(play: Play, stood: int) -> Probe:
    """Nothing upcoming is left on Chiara's calendar. `stood`: events that were there before."""
    if stood == 0:
        raise CommandError("nothing stood on Chiara's calendar before; there is nothing to take off")

    async def probe() -> Seen:
        now = datetime.now(UTC)
        upcoming = [event for event in await play.services.events(CHIARA.service, CHIARA.email) if event.end_utc > now]
        if upcoming:
            raise NotYetError(f"{len(upcoming)} events stand")
        return Seen(what=f"{CHIARA}: {stood} upcoming classes stood before, none stands now")

    return probe


OPENING = (
    Scene(
        title="Connected",
        told="Four providers sign in at the portal and consent on Google's or Microsoft's own page.",
        act=_connected,
    ),
)
SCENES = (
    Scene(title="Revoked", told="Dmitri withdraws his consent at Microsoft, and then Aqua Fitness moves.", act=_revoked),
    Scene(title="Reconnected", told="Dmitri presses Reconnect in the portal and consents again.", act=_reconnected),
    Scene(
        title="Disconnected", told="Chiara disconnects Google in the portal, and has her upcoming classes removed first.", act=_disconnected
    ),
)
