"""Pauses between tries: longer and longer, short again after a try that went well, and over at once when told to stop."""

import asyncio

from streams.engine.backoff import BackOff, rest


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_try_that_lasted() -> None:
    now = [100.0]
    back_off = BackOff(first=1.0, longest=5.0, clock=lambda: now[0])

    def fails_after(seconds: float) -> float:
        back_off.begin()
        now[0] += seconds
        return back_off.pause()

    assert [fails_after(0.0) for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert [fails_after(seconds) for seconds in (5.0, 5.1, 0.0)] == [5.0, 1.0, 2.0]


async def test_a_rest_ends_when_its_time_is_over_or_somebody_says_stop() -> None:
    stopping = asyncio.Event()
    await rest(stopping, 0.0)
    resting = asyncio.create_task(rest(stopping, 3600.0))
    await asyncio.sleep(0)
    assert not resting.done()
    stopping.set()
    await resting
