"""The demo's own judgement: a claim that does not hold must end the story, and be told."""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from streams.cli.demo.checks import Checker, Claim, ClaimFailedError, NotYetError, Probe, Seen, Verified
from streams.cli.demo.screen import Screen
from streams.cli.errors import CommandError

CLAIM = Claim(text="Vinyasa Yoga stands · once", how="read back", within=60)


class Watcher:
    def __init__(self) -> None:
        self.told: list[object] = []

    def checking(self, claim: Claim) -> None:
        self.told.append(claim)

    def decided(self, verified: Verified) -> None:
        self.told.append(verified)


def _alive() -> None:
    pass


def _holds_at_look(number: int) -> tuple[Probe, Callable[[], int]]:
    looks = 0

    async def probe() -> Seen:
        nonlocal looks
        looks += 1
        if looks < number:
            raise NotYetError("nothing stands")
        return Seen(what="it stands")

    return probe, lambda: looks


async def test_a_claim_is_looked_at_until_it_holds() -> None:
    watcher = Watcher()
    checker = Checker(watcher, _alive)
    probe, looks = _holds_at_look(3)

    await checker.verify(CLAIM, probe)

    assert looks() == 3
    (verified,) = checker.verified
    assert verified.failure is None
    assert verified.seen == Seen(what="it stands")
    assert watcher.told == [CLAIM, verified]


async def test_a_claim_that_does_not_hold_in_time_fails_with_what_was_seen_instead() -> None:
    checker = Checker(Watcher(), _alive)
    probe, _ = _holds_at_look(10**9)

    with pytest.raises(ClaimFailedError, match="Vinyasa Yoga stands · once: not so after 0 s; seen: nothing stands"):
        await checker.verify(replace(CLAIM, within=0.2), probe)

    (verified,) = checker.verified
    assert verified.failure is not None
    assert verified.seen is None


async def test_no_claim_is_waited_for_once_a_process_ended() -> None:
    def dead() -> None:
        raise CommandError("execute ended with exit code 1")

    checker = Checker(Watcher(), dead)
    probe, looks = _holds_at_look(1)

    with pytest.raises(CommandError, match="execute ended"):
        await checker.verify(CLAIM, probe)

    assert looks() == 0
    assert checker.verified[0].failure == "execute ended with exit code 1"


def _shown(encoding: str, *verified: Verified) -> str:
    raw = io.BytesIO()
    screen = Screen(Console(file=io.TextIOWrapper(raw, encoding=encoding, write_through=True), width=80))
    for one in verified:
        screen.checking(one.claim)
        screen.decided(one)
    screen.table(verified)
    return raw.getvalue().decode(encoding)


def test_a_claim_that_fails_is_marked_in_the_story_and_in_the_table() -> None:
    shown = _shown("utf-8", Verified(claim=CLAIM, seconds=0.2, failure="not so"))
    assert "✗ Vinyasa Yoga stands · once" in shown
    assert " fails " in shown
    assert "holds" not in shown


def test_an_output_without_unicode_gets_plain_marks() -> None:
    seen = Seen(what="Mon → Tue", why="class.rescheduled → updated")
    shown = _shown("ascii", Verified(claim=CLAIM, seconds=1.25, seen=seen))
    assert "+ Vinyasa Yoga stands - once" in shown
    assert "why: class.rescheduled > updated" in shown
