"""Several test processes at once (`-n`, as `make test` has it): one broker for all, and each set of running workers in one process.

Most tests wait for workers and brokers, not for the processor, so that two or three processes fill the time of each other's waits.
The hooks stand in tests/conftest.py.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from infra.kafka.broker import LocalKafka
from tests.support.authorities import trust_nobody

__all__ = ["EXISTING_BROKER", "pytest_collection_modifyitems", "pytest_configure", "pytest_unconfigure", "pytest_xdist_make_scheduler"]

#: An address of a broker that runs already; the tests start none then.
EXISTING_BROKER = "IMPACT_TEST_KAFKA"

#: Folders whose tests share processes that a package-wide fixture starts, the longest first; files in them that start their own.
_TOGETHER = ("tests/e2e", "tests/portal", "tests/integration/secured")
_APART = ("test_demo.py", "test_forgetting.py", "test_late_work.py", "test_random_history.py", "test_restarts.py")
#: What takes long comes before what is done in a moment, so that no process is left with the longest at the end.
_ORDER = (*_TOGETHER, "tests/chaos", "tests/integration", "tests/bench", "tests/contract", "tests")

_broker = pytest.StashKey[LocalKafka]()
_directory = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """The process that hands out the tests starts the broker, and those that run them inherit its address."""
    if _is_one_of_many(config):
        return
    directory = config.stash[_directory] = tempfile.TemporaryDirectory(prefix="impact-test-")
    trust_nobody(Path(directory.name))
    if not getattr(config.option, "numprocesses", None) or EXISTING_BROKER in os.environ:
        return
    broker = config.stash[_broker] = LocalKafka(data_dir=Path(directory.name) / "kafka")
    broker.start()
    os.environ[EXISTING_BROKER] = broker.bootstrap_servers


def pytest_unconfigure(config: pytest.Config) -> None:
    broker = config.stash.get(_broker, None)
    if broker is not None:
        broker.stop()
        os.environ.pop(EXISTING_BROKER, None)
    if _directory in config.stash:
        config.stash[_directory].cleanup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _is_one_of_many(config):
        items.sort(key=_rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Groups(config, log)


class _Groups(LoadScopeScheduling):
    """Tests of a group run in one process, one after another."""

    def _split_scope(self, nodeid: str) -> str:
        folder, _, file = nodeid.partition("::")[0].rpartition("/")
        return folder if folder in _TOGETHER and file not in _APART else f"{folder}/{file}"


def _is_one_of_many(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, start in enumerate(_ORDER) if item.nodeid.startswith(start)), len(_ORDER))
