"""After the story, when it was told with --keep: everything stays up, and where it is."""

import asyncio
import shlex
from pathlib import Path

from streams.cli.demo.cast import PROVIDERS
from streams.cli.demo.screen import Screen
from streams.cli.demo.stage import Stage

__all__ = ["stay"]


async def stay(stage: Stage, directory: Path, screen: Screen) -> None:
    """Until it is cancelled. Raises ChildEndedError when a process ends by itself."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in stage.settings_env.items()]
    file = directory / "env.sh"
    file.touch(mode=0o600)
    file.write_text("\n".join(exports) + "\n")
    screen.heading("Everything stays up until Ctrl-C")
    screen.note(f"    Kafka      {stage.settings_env['IMPACT_KAFKA_BOOTSTRAP_SERVERS']}")
    screen.note(f"    sandbox    {stage.sandbox_url}/")
    for provider in PROVIDERS:
        screen.note(f"    {provider.name:<10} {stage.sandbox_url}/calendars/{provider.service.value}/{provider.email}")
    screen.note(f"    logs       {directory / 'logs'}")
    screen.heading("To point other commands here (`impact-calendar status`):")
    screen.note(f"    . {shlex.quote(str(file))}    # which says:\n")
    for line in exports:
        screen.note(line)
    while True:
        stage.family.require_running()
        await asyncio.sleep(0.5)
