"""The read model's writer outlives what passes by itself, and nothing else: how it waits, stands by, and what its metrics say meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError

from adapters.read_model.store import LostWriterError, Pulse
from schemas.topics import Topics
from streams.agents.projection.folder import Folder
from streams.agents.projection.keeper import Keeper
from streams.agents.projection.session import Policy
from streams.metrics import make_metrics
from tests.support.time_lapse import run_lapsed

LONGEST = 30.0


def failure(kind: type[DBAPIError] = OperationalError) -> DBAPIError:
    return kind("INSERT INTO classes", {"state": "student-ada"}, Exception("the database said no"))


class Store:
    """`others`: what another writer's row shows at each look; the last one for good. `lost`: the place is lost so often."""

    def __init__(self, lost: int = 0, others: Sequence[Pulse] = ()) -> None:
        self.seq = 1
        self.taken_at: list[float] = []
        self.released = False
        self._lost = lost
        self._others = list(others)

    async def take_over(self) -> dict[Any, int]:
        self.taken_at.append(asyncio.get_running_loop().time())
        if len(self.taken_at) <= self._lost:
            raise LostWriterError
        return {}

    async def pulse(self) -> Pulse:
        return self._others.pop(0) if len(self._others) > 1 else self._others[0]

    async def release(self) -> None:
        self.released = True

    async def beat(self, _as_of: Any) -> None:
        """Nobody looks."""

    async def old_classes(self, _before: Any, _step: int) -> dict[str, bytes]:
        return {}

    async def strays(self, _upto: int, _step: int) -> list[str]:
        return []


class Source:
    """A source without records, which calls `polled` each time that it is asked."""

    def __init__(self, polled: Callable[[], None]) -> None:
        self._polled = polled

    async def __aenter__(self) -> "Source":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def poll(self) -> dict[Any, Sequence[Any]]:
        self._polled()
        return {}

    async def ends(self) -> dict[Any, int]:
        return {}

    async def read_upto(self) -> None:
        return None

    def lags(self) -> dict[Any, int]:
        return {}


class Unwatched:
    def progressed(self, _left: Mapping[Any, int]) -> None:
        """Nobody watches."""


class World:
    """A keeper over fakes. `prepare` is what a session begins with; a session that comes to read stops the keeper."""

    def __init__(self, prepare: Callable[[], Awaitable[None]] | None = None, store: Store | None = None) -> None:
        self.store = store or Store()
        self.metrics = make_metrics()
        self.prepared_at: list[float] = []
        self.writing: list[float | None] = []
        self._prepare = prepare
        known: Any = self.store
        source: Any = Source(self._polled)
        self.keeper = Keeper(
            store=known, source=lambda _positions: source, folder=lambda: Folder(Topics(tiers=())), prepare=self._begin,
            metrics=self.metrics.projection, policy=Policy(), watcher=Unwatched(), clock=lambda: asyncio.get_running_loop().time(),
        )  # fmt: skip

    def run(self) -> None:
        run_lapsed(self.keeper.run())

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    async def _begin(self) -> None:
        self.prepared_at.append(asyncio.get_running_loop().time())
        if self._prepare is not None:
            await self._prepare()

    def _polled(self) -> None:
        self.writing.append(self.value("impact_read_model_writer"))
        self.keeper.stop()


def failing(*errors: Exception) -> Callable[[], Awaitable[None]]:
    """The first sessions fail with these, one each."""
    left = list(errors)

    async def prepare() -> None:
        if left:
            raise left.pop(0)

    return prepare


@pytest.mark.parametrize("kind", [ProgrammingError, IntegrityError, DataError])
def test_what_the_database_would_refuse_again_is_raised(kind: type[DBAPIError]) -> None:
    world = World(failing(failure(kind)))
    with pytest.raises(kind):
        world.run()
    assert world.value("impact_read_model_restarts_total", error=kind.__name__) is None


def test_a_bug_is_raised() -> None:
    with pytest.raises(KeyError):
        World(failing(KeyError("a bug"))).run()


def test_a_database_that_is_away_is_waited_for_longer_and_longer(caplog: pytest.LogCaptureFixture) -> None:
    world = World(failing(*(failure() for _ in range(9))))
    world.run()
    pauses = [later - earlier for earlier, later in zip(world.prepared_at, world.prepared_at[1:], strict=False)]
    assert pauses == pytest.approx([0.5, 1, 2, 4, 8, 16, LONGEST, LONGEST, LONGEST])
    assert world.writing == [1], "it writes at last"
    assert world.value("impact_read_model_restarts_total", error="OperationalError") == 9
    assert "the database said no" in caplog.text
    assert "student-ada" not in caplog.text


def test_brokers_that_are_away_are_waited_for_as_well() -> None:
    world = World(failing(KafkaConnectionError(), OSError()))
    world.run()
    assert world.prepared_at == pytest.approx([0, 0.5, 1.5])
    assert world.value("impact_read_model_restarts_total", error="KafkaConnectionError") == 1
    assert world.value("impact_read_model_restarts_total", error="OSError") == 1


def test_after_a_long_session_the_pauses_are_short_again() -> None:
    durations = [0.0, 0.0, 2 * LONGEST, 0.0]

    async def prepare() -> None:
        if durations:
            await asyncio.sleep(durations.pop(0))
            raise failure()

    world = World(prepare)
    world.run()
    assert world.prepared_at == pytest.approx([0, 0.5, 1.5, 1.5 + 2 * LONGEST + 0.5, 1.5 + 2 * LONGEST + 0.5 + 1])


def test_a_stop_ends_the_waiting() -> None:
    async def prepare() -> None:
        world.keeper.stop()
        raise failure()

    world = World(prepare)
    world.run()
    assert world.prepared_at == [0]


def test_it_says_that_it_writes_while_it_does() -> None:
    world = World()
    world.run()
    assert world.writing == [1]
    assert world.value("impact_read_model_writer") == 0
    assert world.store.released


def test_who_lost_the_place_stands_by_until_the_other_leaves() -> None:
    there, gone = Pulse(seq=1, beat=1, writer="other"), Pulse(seq=1, beat=2, writer=None)
    world = World(store=Store(lost=1, others=[there, there, there, gone]))
    world.run()
    assert world.store.taken_at == pytest.approx([0, 3])
    assert world.value("impact_read_model_restarts_total", error="LostWriterError") is None


def test_or_until_the_other_shows_no_sign_of_life_any_more() -> None:
    beating = [Pulse(seq=1, beat=beat, writer="other") for beat in range(5)]
    world = World(store=Store(lost=1, others=beating))
    world.run()
    first, taken = world.store.taken_at
    assert first == 0
    assert 4 + 15 < taken <= 4 + 15 + 2
