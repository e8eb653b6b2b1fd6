"""`why`: one class's timeline in the terminal, from the read model."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.environment import read_settings
from streams.cli.errors import CommandError

if TYPE_CHECKING:
    from adapters.read_model.views import Timeline

__all__ = ["why"]


def why(
    class_id: Annotated[str, typer.Argument(help="The class.")],
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider's calendar.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Tell why a class is, or is not, on its providers' calendars: what happened to it, step by step."""
    import msgspec

    from streams.cli.output import print_json
    from streams.cli.why_screen import show

    timeline = asyncio.run(_ask(read_settings().database_url, class_id))
    if timeline is None:
        raise CommandError(f"the read model knows no class {class_id!r}. Does `impact-calendar read-model` run, and has it caught up?")
    if provider is not None:
        timeline = _only(timeline, provider)
    if as_json:
        print_json(msgspec.to_builtins(timeline))
    else:
        show(timeline)


async def _ask(url: str, class_id: str) -> "Timeline | None":
    from sqlalchemy.exc import DBAPIError

    from adapters.read_model.engine import reading_engine
    from adapters.read_model.queries import ReadModelQueries

    engine = reading_engine(url)
    try:
        return await ReadModelQueries(engine).timeline(class_id)
    except (DBAPIError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise CommandError(f"the read model cannot be read: {cause}. `impact-calendar read-model` makes and fills it") from None
    finally:
        await engine.dispose()


def _only(timeline: "Timeline", provider: str) -> "Timeline":
    """What concerns the class, and this provider. Raises CommandError for one who never gave it."""
    import msgspec

    steps = tuple(step for step in timeline.steps if step.provider_id in (None, provider))
    marks = tuple(mark for mark in timeline.marks if mark.provider_id == provider)
    if not marks and all(step.provider_id is None for step in steps):
        raise CommandError(f"{provider!r} does not give class {timeline.class_id!r}, and never had it on a calendar")
    return msgspec.structs.replace(timeline, marks=marks, steps=steps)
