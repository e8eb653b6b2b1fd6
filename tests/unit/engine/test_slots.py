"""A directory of its own for each worker process on a machine."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.engine.slots import claim_slot

CLAIM = """
import sys
from pathlib import Path
from streams.engine.slots import claim_slot
slot = claim_slot(Path(sys.argv[1]), "fold")
print(slot.directory.name, flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that holds a slot until it is killed or let go."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.slot = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    other = Holder(tmp_path)
    yield other
    other.kill()


def test_two_processes_have_different_slots(tmp_path: Path, holder: Holder) -> None:
    mine = claim_slot(tmp_path, "fold")
    assert {holder.slot, mine.directory.name} == {"fold-0", "fold-1"}
    mine.lock.close()


def test_the_slot_of_a_process_that_was_killed_is_free_again_with_what_it_held(tmp_path: Path, holder: Holder) -> None:
    (tmp_path / "fold-0" / "kept").write_text("row")
    holder.kill()
    mine = claim_slot(tmp_path, "fold")
    assert mine.directory == tmp_path / "fold-0"
    assert (mine.directory / "kept").read_text() == "row"
    mine.lock.close()


def test_workers_of_another_kind_do_not_count(tmp_path: Path, holder: Holder) -> None:
    mine = claim_slot(tmp_path, "execute")
    assert mine.directory.name == "execute-0"
    mine.lock.close()


def test_one_process_can_hold_two(tmp_path: Path) -> None:
    slots = [claim_slot(tmp_path, "fold") for _ in range(2)]
    assert [slot.directory.name for slot in slots] == ["fold-0", "fold-1"]
    for slot in slots:
        slot.lock.close()


def test_the_lock_names_its_process(tmp_path: Path, holder: Holder) -> None:
    assert (tmp_path / holder.slot / "lock").read_text() == f"{holder.process.pid}\n"
