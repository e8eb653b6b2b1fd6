"""That the benches run, that every engine's answer holds, and that the report is written. No time is asserted."""

from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.answers import Answer, WrongAnswerError
from tests.bench.plan import BENCHES

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
