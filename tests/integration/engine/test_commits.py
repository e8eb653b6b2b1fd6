"""Faust's ways to commit what was not done: each trap by its name."""

import signal

import pytest

from tests.integration.engine.conftest import AFTER_A_KILL, Tallying
from tests.integration.engine.kafka_topics import write_in_transaction

pytestmark = pytest.mark.kafka


async def test_acks_out_of_order_never_commit_past_a_record_that_is_unfinished(tallying: Tallying) -> None:
    tallying.session = AFTER_A_KILL
    await tallying.make_topics()
    await tallying.give("first", range(5), partition=0)
    await tallying.give("held", ["0 hold"], partition=0)
    await tallying.give("after", range(60), partition=0)
    worker = await tallying.start()
    await tallying.counted(first=4, after=59)
    await tallying.give("elsewhere", [0], partition=1)
    await tallying.until_committed(p0=5, p1=1)  # the same commits would have had the rest of partition 0
    assert await tallying.committed() == {0: 5, 1: 1}
    worker.kill()
    worker.start()
    await worker.wait_for_output("Worker ready")
    worker.send_signal(signal.SIGUSR1)
    await tallying.counted(first=4, after=59, held=0)
    await tallying.until_committed(p0=66)


@pytest.mark.parametrize("order", ["fail", "fail-later"])
async def test_a_failure_in_an_agents_work_ends_the_process_with_an_error_and_its_record_is_not_committed(
    tallying: Tallying, order: str
) -> None:
    await tallying.make_topics()
    await tallying.give("good", range(30), partition=0)
    await tallying.give("bad", [f"0 {order}"], partition=0)
    await tallying.give("good", range(30, 60), partition=0)
    worker = tallying.worker().start()
    assert worker.wait() != 0
    assert "told to fail" in worker.output.splitlines()[-1]
    assert (await tallying.committed()).get(0, 0) <= 30


async def test_an_agent_that_raises_is_not_started_again_over_what_it_left_half_done(tallying: Tallying) -> None:
    """Faust would go on with the next chunk in the same process."""
    tallying.chunk = 1
    await tallying.make_topics()
    await tallying.give("bad", ["0 fail"], partition=0)
    await tallying.give("good", range(200), partition=0)
    worker = tallying.worker().start()
    assert worker.wait() != 0
    assert await tallying.rows() == {}
    assert await tallying.committed() == {}


async def test_messages_that_faust_skips_after_a_rebalance_are_not_committed(tallying: Tallying) -> None:
    """Queues full of chunks are cleared when another worker joins, and what is left in them is skipped, which Faust counts as done."""
    tallying.patience, tallying.chunk = 0.0, 1
    await tallying.make_topics()
    await tallying.give("many", [0, "1 hold", *range(2, 600)], partition=0)
    first = await tallying.start()
    await tallying.until_committed(p0=1)
    second = await tallying.start()
    await first.wait_for_output(r"(?s)(Worker ready.*){2}")
    await tallying.give("elsewhere", [0], partition=1)
    await tallying.until_committed(p1=1)
    assert await tallying.committed() == {0: 1, 1: 1}
    for worker in (first, second):
        worker.send_signal(signal.SIGUSR1)
    await tallying.counted(many=599)
    await tallying.until_committed(p0=600)


async def test_a_clean_stop_commits_what_was_finished_and_exits_0(tallying: Tallying) -> None:
    tallying.patience, tallying.commit_interval = 0.0, 3600.0
    await tallying.make_topics()
    await tallying.give("done", range(10), partition=0)
    await tallying.give("held", ["0 hold"], partition=0)
    await tallying.give("done", range(10, 20), partition=0)
    await tallying.give("other", range(7), partition=1)
    worker = await tallying.start()
    await tallying.counted(done=19, other=6)
    assert await tallying.committed() == {}
    assert worker.terminate() == 0
    assert await tallying.committed() == {0: 10, 1: 7}


async def test_a_clean_stop_waits_for_what_runs(tallying: Tallying) -> None:
    tallying.commit_interval, tallying.patience = 3600.0, 60.0
    await tallying.make_topics()
    await tallying.give("done", [0], partition=1)
    await tallying.give("held", ["0 hold"], partition=0)
    worker = await tallying.start()
    await tallying.counted(done=0)
    worker.send_signal(signal.SIGTERM)
    await worker.wait_for_output("(?i)stopping")
    worker.send_signal(signal.SIGUSR1)
    assert worker.wait() == 0
    assert await tallying.committed() == {0: 1, 1: 1}
    await tallying.counted(held=0)


async def test_what_an_aborted_transaction_wrote_is_not_read_and_marks_of_transactions_are_passed_over(tallying: Tallying) -> None:
    await tallying.make_topics()
    worker = await tallying.start()
    for number, commit in enumerate((True, False, True)):
        rows = [(b"kept" if commit else b"aborted", str(number // 2).encode())]
        await write_in_transaction(tallying.bootstrap, tallying.topic, rows, 0, commit=commit)
    await tallying.counted(kept=1)
    assert "aborted" not in await tallying.rows()
    await tallying.until_committed(p0=5)
    assert worker.terminate() == 0
