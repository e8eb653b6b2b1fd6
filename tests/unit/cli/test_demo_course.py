"""How the demo ends: the exit code for each way in which a story can."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from streams.cli.demo import run as course
from streams.cli.demo import staying
from streams.cli.demo.children import ChildEndedError
from streams.cli.errors import CommandError

Course = Callable[..., Awaitable[object]]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """The exit code of a demo whose story, and whose staying up after it, go like this."""

    async def started(*_args: object) -> None:
        """No process at all."""

    def run(story: Course, *, stay: Course | None = None) -> int:
        monkeypatch.setattr(course, "_start", started)
        monkeypatch.setattr(course, "_tell", story)
        monkeypatch.setattr(staying, "stay", stay)
        return course.run(keep=stay is not None, directory=tmp_path)

    return run


async def _holds(*_args: object) -> bool:
    return True


async def _fails(*_args: object) -> bool:
    return False


async def _interrupted(*_args: object) -> None:
    """Ctrl-C, while it waits."""
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(60)


async def _dies(*_args: object) -> None:
    raise ChildEndedError("portal ended with exit code 1")


def test_a_story_that_holds_ends_well_by_itself(tell: Callable[..., int]) -> None:
    assert tell(_holds) == 0


def test_a_claim_that_fails_is_told_by_the_exit_code_and_nothing_stays_up(tell: Callable[..., int]) -> None:
    assert tell(_fails) == 1
    assert tell(_fails, stay=_interrupted) == 1


def test_an_interruption_within_the_story_is_told_and_one_after_it_is_the_usual_end(
    tell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(_interrupted) == course.INTERRUPTED
    assert "Interrupted" in capsys.readouterr().out
    assert tell(_holds, stay=_interrupted) == 0
    assert "Interrupted" not in capsys.readouterr().out


@pytest.mark.parametrize("error", [ChildEndedError("portal ended with exit code 1"), CommandError("the sandbox does not answer")])
def test_what_goes_wrong_is_told_with_its_reason(tell: Callable[..., int], capsys: pytest.CaptureFixture[str], error: CommandError) -> None:
    async def goes_wrong(*_args: object) -> bool:
        raise error

    assert tell(goes_wrong) == 1
    assert str(error) in capsys.readouterr().out


def test_a_process_that_ends_while_everything_stays_up_is_told(tell: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(_holds, stay=_dies) == 1
    assert "portal ended with exit code 1" in capsys.readouterr().out
