"""That the benches run, that every engine's answer holds, and that the report is written. No time is asserted."""

from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.answers import Answer, WrongAnswerError, check_standing
from tests.bench.fold_bench import ENGINES, Engine, backlogs
from tests.bench.plan import BENCHES, quick
from tests.bench.read_model_bench import Look, timed
from tests.bench.sections import Place, whole_fold
from tests.support.execution import ADA, CLASS_ID, entry, intent

_COLUMN = {"fold": "events/s", "latency": "p99 ms", "execute": "calls/s", "read-model": "events/s", "portal": "pages/s"}


@pytest.mark.kafka
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bench", BENCHES)
def test_a_quick_run_verifies_every_answer_and_writes_its_section(bench: str, kafka: str, tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    main(["--quick", "--kafka", kafka, "--only", bench, "--report", str(report)])
    written = report.read_text()
    assert written.count("\n## ") == 1
    assert f"| {_COLUMN[bench]} |" in written


def test_an_engine_with_a_wrong_answer_is_not_timed() -> None:
    right = Answer(states="a", intents="b", last="c")
    right.check("an engine", Answer(states="a", intents="b", last="c"))
    with pytest.raises(WrongAnswerError, match="an engine: wrong intents, last"):
        right.check("an engine", Answer(states="a", intents="x", last="y"))


MOVED = entry(location="Room 2")


@pytest.mark.parametrize("revision", [1, 3])
def test_an_event_may_keep_the_revision_at_which_it_came_to_look_as_the_last_intent_asks(revision: int) -> None:
    check_standing([(ADA, CLASS_ID, revision)], [intent(1), intent(2, MOVED), intent(3)])


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([], "0 events that nobody asks for, and 1 are missing"),
        ([2], "1 events that nobody asks for, and 1 are missing"),
        ([3, 3], "1 events that nobody asks for, and 0 are missing"),
        ([3, 9], "1 events that nobody asks for, and 0 are missing"),
    ],
)
def test_what_stands_otherwise_than_asked_for_is_a_wrong_answer(found: list[int], says: str) -> None:
    with pytest.raises(WrongAnswerError, match=says):
        check_standing([(ADA, CLASS_ID, revision) for revision in found], [intent(1), intent(2, MOVED), intent(3)])


def test_a_class_that_shall_not_stand_and_does_is_a_wrong_answer() -> None:
    check_standing([], [intent(1), intent(2, None)])
    with pytest.raises(WrongAnswerError, match="1 events that nobody asks for"):
        check_standing([(ADA, CLASS_ID, 1)], [intent(1), intent(2, None)])


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([0, 0, 400, 900, 1_000], (600, 2.0, 1.0)),
        ([0, 0, 1_000], (1_000, 1.0, 0.5)),  # a pause of the bench, or a short backlog
        ([0, 1_000], (1_000, 1.0, 0.5)),
    ],
)
def test_the_read_model_is_timed_from_the_first_commit_or_from_before_it_when_one_look_saw_all(
    seen: list[int], expected: tuple[int, float, float]
) -> None:
    assert timed([Look(at=float(number), done=done, cpu=number / 2) for number, done in enumerate(seen)]) == expected


@pytest.mark.parametrize("failure", [TimeoutError("no output"), WrongAnswerError("wrong intents")])
async def test_only_an_engine_that_may_lose_input_is_run_anew(failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    async def run(engine: Engine, *_: object) -> str:
        ran.append(engine.name)
        if len(ran) < 3:
            raise failure
        return "the run"

    monkeypatch.setattr("tests.bench.sections.run_fold", run)
    plan = quick(tmp_path / "benchmarks.md")
    place, made = Place(bootstrap="", directory=tmp_path, env={}, say=lambda _: None), backlogs(plan.fold)
    ours, tutorial, _ = ENGINES
    assert await whole_fold(tutorial, made[True], plan.fold, place) == "the run"
    assert ran == ["tutorial"] * 3
    ran.clear()
    with pytest.raises(type(failure)):
        await whole_fold(ours, made[False], plan.fold, place)
    assert ran == ["ours"]
