"""After the story, when it was told with --keep: everything stays up, and where it is."""

import asyncio
import shlex
from pathlib import Path

from streams.cli.demo.cast import PROVIDERS, Timetable
from streams.cli.demo.portal import classes_address
from streams.cli.demo.screen import Screen
from streams.cli.demo.services import Person, SimulatedServices
from streams.cli.demo.stage import Stage

__all__ = ["stay"]

_CAST = tuple(provider.provider_id for provider in PROVIDERS)


async def stay(stage: Stage, timetable: Timetable, directory: Path, screen: Screen) -> None:
    """Until it is cancelled. Raises ChildEndedError when a process ends by itself, CommandError."""
    people = await SimulatedServices(stage.session, stage.sandbox_url).people()
    screen.heading("Everything stays up until Ctrl-C")
    screen.note(f"    portal     {stage.portal_url}/")
    screen.note(f"    classes    {classes_address(stage.portal_url, timetable.training[0].starts_at.date(), 'month')}")
    screen.note(f"    sandbox    {stage.sandbox_url}/")
    screen.note(f"    Kafka      {stage.settings_env['IMPACT_KAFKA_BOOTSTRAP_SERVERS']}")
    screen.note(f"    logs       {directory / 'logs'}")
    screen.heading("Sign in at the portal as one of these; no password is asked for")
    for person in sorted(people, key=lambda person: person.sub not in _CAST):
        screen.note(f"    {person.email:<22} {person.name:<14} {_part(person)}")
    screen.heading("The simulated calendars")
    for provider in PROVIDERS:
        screen.note(f"    {provider.name:<10} {stage.sandbox_url}/calendars/{provider.service.value}/{provider.email}")
    screen.heading("To point other commands here")
    screen.note(f"    . {shlex.quote(str(_exports(stage, directory)))}")
    screen.note("    impact-calendar status")
    screen.note(f"    impact-calendar why {timetable.yoga.class_id}")
    while True:
        stage.family.require_running()
        await asyncio.sleep(0.5)


def _part(person: Person) -> str:
    """Who this is in the portal."""
    if not {"administrators", "operators"}.isdisjoint(person.groups):
        return f"{person.groups[0].removesuffix('s')}, sees everybody's classes"
    return "provider in the story" if person.sub in _CAST else "provider, no calendar connected yet"


def _exports(stage: Stage, directory: Path) -> Path:
    """A file for the shell, for its owner alone: there are keys in it."""
    file = directory / "env.sh"
    file.touch(mode=0o600)
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in stage.settings_env.items()))
    return file
