"""What a process sets of Python before it works."""

import gc
import sys
from collections.abc import Iterator

import pytest

from streams.engine.interpreter import settle


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def test_what_is_loaded_is_left_out_of_later_collections() -> None:
    settle()
    assert gc.get_freeze_count() > 0


def test_only_what_is_given_is_set() -> None:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    settle()
    assert (gc.get_threshold(), sys.getswitchinterval()) == (thresholds, interval)
    settle(young_objects=5_000)
    assert gc.get_threshold() == (5_000, *thresholds[1:])
    settle(young_objects=6_000, older=(20, 30), switch_seconds=0.002)
    assert (gc.get_threshold(), sys.getswitchinterval()) == ((6_000, 20, 30), 0.002)
