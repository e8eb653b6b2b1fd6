"""A service's circuit: when its calls rest, and how they begin again."""

import pytest

from streams.domain.circuit import Circuit, CircuitPolicy, CircuitState

POLICY = CircuitPolicy(window=10, ratio=0.8, mailboxes=2, first_rest=5.0, longest_rest=12.0)


def closed() -> Circuit:
    return Circuit(POLICY)


def opened(at: float = 0.0) -> Circuit:
    circuit = closed()
    results = [circuit.failed(f"mailbox-{number % 3}", at) for number in range(10)]
    assert results == [False] * 9 + [True]
    return circuit


def probing(at: float = 5.0) -> Circuit:
    circuit = opened()
    assert circuit.allows(at)
    assert circuit.state is CircuitState.HALF_OPEN
    return circuit


def test_all_is_well_at_first() -> None:
    circuit = closed()
    assert circuit.state is CircuitState.CLOSED
    assert circuit.allows(0.0)
    assert not circuit.wants_probe(1e9)
    assert not circuit.succeeded("a")


def test_a_whole_service_that_fails_opens_its_circuit() -> None:
    circuit = opened()
    assert circuit.state is CircuitState.OPEN
    assert not circuit.allows(4.9)
    assert not circuit.wants_probe(4.9)


def test_one_broken_mailbox_never_stops_a_service() -> None:
    circuit = closed()
    assert not any(circuit.failed("broken", 0.0) for _ in range(50))
    assert circuit.state is CircuitState.CLOSED


def test_few_calls_say_nothing_of_a_service() -> None:
    circuit = closed()
    assert not any(circuit.failed(f"mailbox-{number}", 0.0) for number in range(9))


def test_few_calls_that_all_fail_for_a_while_open_it_before_their_attempts_are_used_up() -> None:
    """Two providers with a class each, and three attempts: at once, after a second, after three more."""
    circuit = closed()
    assert not any(circuit.failed(mailbox, at) for at in (0.0, 1.1) for mailbox in ("a", "b"))
    assert circuit.failed("a", 4.2)
    assert not circuit.allows(4.2)


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([("a", 0.0), ("b", 0.1), ("a", 0.2), ("b", 0.3), ("a", 0.9)], id="for a moment only"),
        pytest.param([("a", 0.0), ("a", 2.0), ("a", 4.0), ("a", 6.0), ("a", 8.0)], id="of one mailbox"),
        pytest.param([("a", 0.0), ("b", 2.0), ("a", 4.0), ("b", 6.0)], id="too few"),
    ],
)
def test_a_row_of_failures_says_little_when_it_is(calls: list[tuple[str, float]]) -> None:
    circuit = closed()
    assert not any(circuit.failed(mailbox, at) for mailbox, at in calls)


def test_a_call_that_is_answered_ends_a_row_of_failures() -> None:
    circuit = closed()
    for at in (0.0, 1.0, 2.0, 3.0):
        circuit.failed("a", at)
    circuit.succeeded("c")
    assert not any(circuit.failed("b", at) for at in (4.0, 5.0, 6.0, 7.0))


@pytest.mark.parametrize(("succeeded", "opens"), [(2, True), (3, False)])
def test_it_opens_at_the_ratio_of_the_last_calls(succeeded: int, opens: bool) -> None:
    circuit = closed()
    for number in range(succeeded):
        circuit.succeeded(f"mailbox-{number}")
    results = [circuit.failed(f"mailbox-{number}", 0.0) for number in range(10 - succeeded)]
    assert results[-1] is opens


def test_calls_from_before_the_window_do_not_count() -> None:
    circuit = closed()
    for number in range(7):
        circuit.failed(f"mailbox-{number}", 0.0)
    for number in range(10):
        circuit.succeeded(f"mailbox-{number}")
    assert not any(circuit.failed(f"mailbox-{number}", 0.0) for number in range(7))


def test_after_the_rest_one_probe_is_let_through() -> None:
    circuit = opened()
    assert circuit.wants_probe(5.0)
    assert circuit.allows(5.0)
    assert not circuit.allows(5.0)
    assert not circuit.wants_probe(60.0)


def test_a_probe_that_is_answered_closes_the_circuit() -> None:
    circuit = probing()
    assert circuit.succeeded("a")
    assert circuit.state is CircuitState.CLOSED
    assert circuit.allows(5.0)


def test_after_closing_the_count_begins_anew() -> None:
    circuit = probing()
    circuit.succeeded("a")
    assert not any(circuit.failed(f"mailbox-{number}", 6.0) for number in range(9))


def test_each_probe_that_fails_doubles_the_rest_up_to_the_longest() -> None:
    circuit, now = opened(), 0.0
    for rest in (5.0, 10.0, 12.0, 12.0):
        assert not circuit.allows(now + rest - 0.1)
        now += rest
        assert circuit.allows(now)
        assert circuit.failed("a", now)


def test_after_closing_the_rest_is_short_again() -> None:
    circuit = probing()
    circuit.failed("a", 5.0)
    assert circuit.allows(15.0)
    circuit.succeeded("a")
    for number in range(10):
        circuit.failed(f"mailbox-{number}", 20.0)
    assert circuit.allows(25.0)


def test_a_straggler_that_fails_while_the_circuit_is_open_prolongs_nothing() -> None:
    circuit = opened()
    assert circuit.failed("late", 4.0)
    assert circuit.allows(5.0)


def test_a_straggler_that_is_answered_closes_the_circuit() -> None:
    circuit = opened()
    assert circuit.succeeded("late")
    assert circuit.state is CircuitState.CLOSED


def test_a_service_that_refuses_this_application_rests_at_once() -> None:
    circuit = closed()
    circuit.trip("a", 1.0)
    assert not circuit.allows(5.9)
    assert circuit.allows(6.0)


def test_a_mailbox_that_alone_is_refused_does_not_stop_the_service_again_and_again() -> None:
    """A grant that another application obtained is refused as if this one were; everybody else is served."""
    circuit = closed()
    assert circuit.trip("odd", 0.0)
    assert circuit.succeeded("b")
    assert not circuit.trip("odd", 10.0)
    assert circuit.allows(10.0)


def test_when_others_are_refused_too_it_rests() -> None:
    circuit = closed()
    for mailbox in ("a", "b"):
        circuit.trip(mailbox, 0.0)
        circuit.succeeded("c")
    assert circuit.trip("new", 10.0)
    circuit.succeeded("c")
    assert not circuit.trip("a", 20.0)
    assert circuit.trip("b", 20.0), "nobody was answered in between"


def test_a_mailbox_that_is_answered_after_all_stops_it_as_any_other() -> None:
    circuit = closed()
    circuit.trip("a", 0.0)
    circuit.succeeded("b")
    circuit.succeeded("a")
    assert circuit.trip("a", 10.0)


def test_a_probe_that_is_refused_doubles_the_rest() -> None:
    circuit = probing()
    circuit.trip("a", 5.0)
    assert not circuit.allows(14.9)
    assert circuit.allows(15.0)


def test_a_refusal_while_it_rests_prolongs_nothing() -> None:
    circuit = opened()
    circuit.trip("a", 3.0)
    assert circuit.allows(5.0)


def test_a_probe_that_is_given_up_makes_room_for_another() -> None:
    circuit = probing()
    circuit.probe_abandoned()
    assert circuit.state is CircuitState.OPEN
    assert circuit.wants_probe(5.0)
    assert circuit.allows(5.0)
