"""The executor: what is confirmed before what, and where an entry goes when a call fails."""

import contextlib
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from adapters.errors import EventGone, Permanent, ReconnectNeeded, ServiceFailing, Throttled, Unauthorized
from adapters.fakes.calendar import FakeCalendar
from adapters.ports import EventMark, RemoteEvent
from adapters.vault.seal import KeyRing
from adapters.vault.tokens import Grant
from schemas import headers as names
from schemas.connections import ConnectionState, Service
from schemas.intents import CalendarEntry, Lane
from schemas.outcomes import OutcomeKind, Reason
from streams.agents.actions import Act, Run
from streams.domain.agenda import Agenda, decode_agenda
from streams.domain.connection import Held
from tests.support.execution import ADA, agenda, applied, creating, entry, intent
from tests.unit.agents.executing import ROW, SETTLE, TOPICS, Execution, grant
from tests.unit.agents.fakes import KilledError

GOOGLE = Service.GOOGLE
OTHER = grant(2, email="ada@home.example")


def failing() -> ServiceFailing:
    return ServiceFailing(GOOGLE, "timeout")


def never() -> Permanent:
    return Permanent(GOOGLE, "invalid", status=400)


@pytest.fixture
def it() -> Execution:
    execution = Execution()
    execution.connect()
    return execution


def titles(it: Execution) -> list[str]:
    return [event.entry.title for event in it.calendar.standing()]


# the order of what is confirmed


async def test_the_mark_of_a_create_is_confirmed_before_its_call(it: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Agenda] = []
    create = it.calendar.create

    async def looking(access_token: str, shown: CalendarEntry, mark: EventMark) -> RemoteEvent:
        seen.append(it.row)
        return await create(access_token, shown, mark)

    monkeypatch.setattr(it.calendar, "create", looking)
    await it.take(intent(1))
    (marked,) = seen
    assert marked.creating is not None
    assert (marked.creating.entry, marked.creating.revision) == (entry(), 1)
    assert (it.row.creating, it.row.applied is not None, titles(it)) == (None, True, ["Yoga for all"])
    assert it.outcomes == [(OutcomeKind.CREATED, None)]


@pytest.mark.parametrize("operation", ["update", "delete"])
async def test_that_a_change_was_begun_is_confirmed_before_its_call(it: Execution, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await it.take(intent(1))
    seen: list[Agenda] = []
    call = getattr(it.calendar, operation)

    async def looking(*arguments: object) -> object:
        seen.append(it.row)
        return await call(*arguments)

    monkeypatch.setattr(it.calendar, operation, looking)
    await it.take(intent(2, entry(title="Yin") if operation == "update" else None))
    (begun,) = seen
    assert begun.applied is not None
    assert (begun.applied.content, begun.applied.removing) == ("", operation == "delete")


async def test_a_record_is_done_after_its_row_and_its_outcome_are_confirmed(it: Execution) -> None:
    await it.take(intent(1))
    kinds = [topic for topic, _, _ in it.broker.sent]
    assert kinds == ["agenda", "agenda", TOPICS.outcomes]
    assert it.taken == [intent(1)]


@pytest.mark.parametrize("send", range(3))
async def test_a_worker_killed_at_any_send_makes_no_second_event(it: Execution, send: int) -> None:
    it.broker.die_before = send
    with pytest.raises(KilledError):
        await it.take(intent(1))
    assert it.taken == []
    it.broker.die_before = None
    it.start()
    await it.take(intent(1))
    assert (len(it.calendar.standing()), it.taken) == (1, [intent(1)])


async def test_an_error_that_nobody_sorted_crashes_the_worker_and_nothing_is_done(it: Execution) -> None:
    it.calendar.script.fail(lambda: OSError("no calendar error"))
    with pytest.raises(OSError, match="no calendar error"):
        await it.take(intent(1))
    assert ([type(error) for error in it.crashes], it.taken) == ([OSError], [])


# tokens


async def test_a_401_refreshes_once_and_the_call_is_made_again(it: Execution) -> None:
    await it.take(intent(1))
    it.tokens.expire_access(ADA)
    await it.take(intent(2, entry(title="Yin")))
    assert titles(it) == ["Yin"]
    assert [call.operation for call in it.tokens.calls] == ["refresh", "refresh"]


async def test_a_second_401_is_a_retry(it: Execution) -> None:
    it.calendar.script.fail(lambda: Unauthorized(GOOGLE, "authError", status=401), operation="create", times=2)
    await it.take(intent(1))
    assert it.calls == ["create", "create"]
    assert [kind for kind, _ in it.outcomes] == [OutcomeKind.RETRYING]


async def test_a_dead_grant_is_told_once_and_its_entry_waits_without_a_retry(it: Execution) -> None:
    it.tokens.revoke_by_hand(ADA)
    await it.take(intent(1))
    await it.take(intent(2, entry(title="Yin")))
    assert it.outcomes == [(OutcomeKind.WAITING, "needs_reconnect")] * 2
    assert it.broker.states(TOPICS.connection_status) == [ConnectionState.NEEDS_RECONNECT]
    assert (it.calls, it.row.waiting) == ([], "needs_reconnect")


async def test_a_service_that_calls_the_grant_dead_at_a_calls_answer_is_believed(it: Execution) -> None:
    it.calendar.script.fail(lambda: ReconnectNeeded(GOOGLE, "insufficientPermissions", status=403))
    await it.take(intent(1))
    assert it.outcomes == [(OutcomeKind.WAITING, "needs_reconnect")]


# after an ambiguous failure


async def test_after_an_ambiguous_failure_a_look_comes_before_a_create(it: Execution) -> None:
    it.calendar.script.fail(failing, operation="create", after=True)
    await it.take(intent(1))
    assert [kind for kind, _ in it.outcomes] == [OutcomeKind.RETRYING]
    await it.take_again()
    assert it.calls == ["create", "find"]
    assert len(it.calendar.standing()) == 1


async def test_a_repeated_create_has_the_body_of_the_first_try_and_the_newest_state_follows(it: Execution) -> None:
    it.calendar.script.fail(failing, operation="create")
    await it.take(intent(1))
    it.now += SETTLE
    await it.take(intent(2, entry(title="Yin")))
    assert it.calls == ["create", "find", "create", "update"]
    assert [call.entry.title for call in it.calendar.calls if call.entry is not None] == ["Yoga for all", "Yoga for all", "Yin"]
    assert titles(it) == ["Yin"]


async def test_a_create_that_was_repeated_may_appear_late_as_well(it: Execution) -> None:
    """The time in which an event may still appear counts from the latest call, not from the first."""
    it.calendar.script.fail(failing, operation="create", times=2)
    await it.take(intent(1))
    it.now += SETTLE * 2
    await it.take(intent(1))
    assert it.calls == ["create", "find", "create"]
    await it.take(intent(2, None))
    assert it.row.creating is not None, "forgotten, though the second call's event may still appear"
    assert it.outcomes[-1][0] is OutcomeKind.RETRYING
    it.now += SETTLE
    await it.take(intent(2, None))
    assert (it.row.creating, it.outcomes[-1]) == (None, (OutcomeKind.UNCHANGED, None))


async def test_nobody_creates_again_while_the_first_try_may_still_be_under_way(it: Execution) -> None:
    """A service may make two events of two creates at the same time, whatever their id. Waiting costs no attempt and tells nothing anew."""
    it.calendar.script.fail(failing, operation="create")
    await it.take(intent(1))
    await it.take(intent(2, entry(title="Yin")))
    await it.take(intent(2, entry(title="Yin")))
    assert (it.calls, it.row.waiting) == (["create", "find", "find"], "retrying")
    assert [headers[names.ATTEMPT] for tier in TOPICS.tiers for headers in it.sent_to(TOPICS.retry(tier))] == [b"1", b"0", b"0"]
    await it.take_again()
    assert (titles(it), it.calls[3:]) == (["Yin"], ["find", "create", "update"])


async def test_waiting_for_a_create_that_may_appear_is_told_once(it: Execution) -> None:
    it.calendar.script.fail(failing, operation="create")
    await it.take(intent(1))
    headers = it.sent_to(TOPICS.retry(TOPICS.tiers[0]))[0]
    it.now += SETTLE / 2
    await it.take(intent(1), headers=headers)
    assert (it.calls, [kind for kind, _ in it.outcomes]) == (["create", "find"], [OutcomeKind.RETRYING])
    await it.take_again()
    assert [kind for kind, _ in it.outcomes] == [OutcomeKind.RETRYING, OutcomeKind.CREATED]


async def test_a_create_that_was_answered_with_no_is_repeated_at_once(it: Execution) -> None:
    it.calendar.script.fail(lambda: Throttled(GOOGLE, "rateLimitExceeded", status=429), operation="create")
    await it.take(intent(1))
    await it.take(intent(1))
    assert it.calls == ["create", "find", "create"]


async def test_an_update_that_timed_out_and_lands_late_does_not_stay_on_the_calendar(it: Execution) -> None:
    await it.take(intent(1))
    it.calendar.script.fail(failing, operation="update")
    await it.take(intent(2, entry(title="Late")))
    await it.take(intent(3, entry(title="Newest")))
    assert it.outcomes[-1] == (OutcomeKind.UPDATED, None)
    it.calendar.rename_by_hand(it.calendar.standing()[0].remote_id, "Late")
    assert len(it.sent_to(TOPICS.retry(TOPICS.tiers[0]))) == 2, "what was written comes back once more"
    await it.take_again()
    assert (titles(it), it.outcomes[-1]) == (["Newest"], (OutcomeKind.UPDATED, None))
    await it.take(intent(3, entry(title="Newest")))
    assert it.calls == ["create", "update", "update", "update"]


async def test_what_the_retry_of_an_older_intent_did_for_the_newest_is_told_of_the_newest(it: Execution) -> None:
    await it.take(intent(1))
    it.calendar.script.fail(failing, operation="update")
    older = intent(2, entry(title="Older"))
    await it.take(older)
    it.store(msgspec.structs.replace(it.row, desired=agenda(intent(3, entry(title="Newest"))).desired))
    it.now += SETTLE
    await it.take(older)
    told = [(outcome.revision, outcome.kind) for outcome in it.told[-2:]]
    assert (titles(it), told) == (["Newest"], [(2, OutcomeKind.SUPERSEDED), (3, OutcomeKind.UPDATED)])


async def test_what_comes_back_before_an_old_call_is_settled_waits_on(it: Execution) -> None:
    await it.take(intent(1))
    it.calendar.script.fail(failing, operation="update")
    await it.take(intent(2, entry(title="Late")))
    await it.take(intent(3, entry(title="Newest")))
    sent = len(it.sent_to(TOPICS.retry(TOPICS.tiers[0])))
    await it.take(intent(3, entry(title="Newest")))
    assert (it.calls, it.outcomes[-1]) == (["create", "update", "update"], (OutcomeKind.UNCHANGED, None))
    assert len(it.sent_to(TOPICS.retry(TOPICS.tiers[0]))) == sent + 1


async def test_a_worker_killed_in_an_update_leaves_the_doubt_to_the_next(it: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    await it.take(intent(1))

    async def killed(*_arguments: object) -> RemoteEvent:
        raise KilledError

    monkeypatch.setattr(it.calendar, "update", killed)
    with pytest.raises(KilledError):
        await it.take(intent(2, entry(title="Late")))
    monkeypatch.undo()
    it.start()
    await it.take(intent(3, entry(title="Newest")))
    it.calendar.rename_by_hand(it.calendar.standing()[0].remote_id, "Late")
    await it.take_again()
    assert titles(it) == ["Newest"]


async def test_a_removal_that_timed_out_and_lands_after_the_class_is_booked_again_is_made_good(it: Execution) -> None:
    await it.take(intent(1))
    it.calendar.script.fail(failing, operation="delete")
    await it.take(intent(2, None))
    await it.take(intent(3))
    it.calendar.remove_by_hand(it.calendar.standing()[0].remote_id)
    await it.take_again()
    assert [event.mark.generation for event in it.calendar.standing()] == [1]


async def test_a_call_that_the_service_refused_needs_no_second_write(it: Execution) -> None:
    await it.take(intent(1))
    it.calendar.script.fail(lambda: Throttled(GOOGLE, "rateLimitExceeded", status=429), operation="update")
    await it.take(intent(2, entry(title="Refused")))
    await it.take(intent(3, entry(title="Newest")))
    assert len(it.sent_to(TOPICS.retry(TOPICS.tiers[0]))) == 1


async def test_an_id_that_was_used_up_is_followed_by_the_next_generation(it: Execution) -> None:
    """An event was made, and removed by hand, before the agenda was lost."""
    await it.take(intent(1))
    it.calendar.remove_by_hand(it.calendar.standing()[0].remote_id)
    it.agenda.rows.write({ROW: None}, None)
    await it.take(intent(1))
    assert [event.mark.generation for event in it.calendar.standing()] == [1]


# errors


async def test_a_failure_goes_to_the_next_tier_each_time_and_then_to_the_dead_letters(it: Execution) -> None:
    it.calendar.script.fail(failing, times=None)
    await it.take(intent(1))
    await it.take_again()
    await it.take_again()
    assert [len(it.sent_to(TOPICS.retry(tier))) for tier in TOPICS.tiers] == [1, 1]
    (letter,) = it.sent_to(TOPICS.intents_dlq)
    assert (letter[names.ATTEMPT], letter[names.ERROR_CLASS]) == (b"3", b"ServiceFailing")
    assert len(it.taken) == 3


async def test_a_mailbox_that_was_asked_to_rest_is_not_called_and_no_attempt_is_counted(it: Execution) -> None:
    it.calendar.script.fail(lambda: Throttled(GOOGLE, "rateLimitExceeded", status=429, retry_after=100))
    await it.take(intent(1))
    await it.take(intent(2, entry(title="Yin")))
    assert it.calls == ["create"]
    (first, second) = it.sent_to(TOPICS.retry(timedelta(minutes=5)))
    assert (first[names.ATTEMPT], second[names.ATTEMPT]) == (b"1", b"0")
    it.now += timedelta(seconds=100)
    await it.take(intent(2, entry(title="Yin")))
    assert titles(it) == ["Yin"]


async def test_an_event_that_was_removed_by_hand_is_remembered(it: Execution) -> None:
    await it.take(intent(1))
    it.calendar.script.fail(lambda: EventGone(GOOGLE, "notFound", status=404), operation="update")
    await it.take(intent(2, entry(title="Yin")))
    assert it.outcomes[-1] == (OutcomeKind.DISMISSED, "dismissed")
    assert it.row.dismissed is not None


# what the service will never take


class Picky(FakeCalendar):
    """Takes no title that begins with an exclamation mark."""

    async def create(self, access_token: str, shown: CalendarEntry, mark: EventMark) -> RemoteEvent:
        if shown.title.startswith("!"):
            self.script.fail(never, operation="create")
        return await super().create(access_token, shown, mark)


@pytest.fixture
def picky(it: Execution) -> Execution:
    it.calendar = Picky(GOOGLE, tokens=it.tokens)
    it.start()
    return it


async def test_what_is_refused_for_good_is_a_dead_letter_and_the_next_change_makes_it_right(picky: Execution) -> None:
    """The first body is not repeated for ever: it would be refused for ever, and the corrected class would never stand."""
    await picky.take(intent(1, entry(title="!")))
    assert picky.outcomes[-1][0] is OutcomeKind.DEAD_LETTERED
    picky.now += SETTLE
    await picky.take(intent(2, entry(title="Yin")))
    assert (titles(picky), len(picky.sent_to(TOPICS.intents_dlq))) == (["Yin"], 1)


async def test_a_correction_right_after_a_refusal_waits_until_nothing_can_appear_any_more(picky: Execution) -> None:
    await picky.take(intent(1, entry(title="!")))
    await picky.take(intent(2, entry(title="Yin")))
    assert picky.outcomes[-1][0] is OutcomeKind.RETRYING
    await picky.take_again()
    assert (titles(picky), len(picky.sent_to(TOPICS.intents_dlq))) == (["Yin"], 1)


async def test_what_was_refused_and_made_all_the_same_is_found(it: Execution) -> None:
    it.calendar.script.fail(never, operation="create", after=True)
    await it.take(intent(1))
    await it.take(intent(2, entry(title="Yin")))
    assert (it.calls, titles(it)) == (["create", "find", "update"], ["Yin"])


async def test_an_old_create_that_is_refused_stops_no_newer_state(picky: Execution) -> None:
    """A try that may have been done comes first; when its repeat is refused for good, the newest state is still owed."""
    mark = creating(entry(title="!"), on=grant())
    picky.store(agenda(intent(1, entry(title="!")), creating=mark, generation=0))
    picky.now += SETTLE
    await picky.take(intent(2, entry(title="Yin")))
    await picky.take_again()
    assert (picky.calls, titles(picky)) == (["find", "create", "find", "create"], ["Yin"])
    assert picky.sent_to(TOPICS.intents_dlq) == []


# a calendar that is being left


async def test_a_removal_that_is_refused_for_good_does_not_keep_the_old_grant_for_ever(it: Execution) -> None:
    it.store(agenda(intent(1), applied=applied(), generation=1))
    it.connect(OTHER, grant())
    it.calendar.script.fail(never, operation="delete")
    await it.take(intent(1))
    assert it.broker.revisions(TOPICS.intents_bulk) == [1]
    await it.take(intent(1))
    assert [event.mailbox for event in it.calendar.standing()] == ["ada-2"]
    assert it.connections.get(0, ADA).retiring == ()


async def test_a_look_that_is_refused_for_good_does_not_keep_the_old_grant_for_ever(it: Execution) -> None:
    """Else its token would never be forgotten, and the provider would see `disconnecting` for ever."""
    it.store(agenda(intent(1), creating=creating(on=grant())))
    it.leave(grant())
    it.calendar.script.fail(never, operation="find", times=None)
    await it.take(intent(1))
    assert it.outcomes[-1][0] is OutcomeKind.DEAD_LETTERED
    assert (it.row.creating, it.row.begun, it.connections.get(0, ADA).retiring) == (None, (), ())
    assert it.broker.states(TOPICS.connection_status) == [ConnectionState.DISCONNECTED]


@pytest.mark.parametrize("sends", range(6))
async def test_a_worker_killed_anywhere_in_the_last_removal_leaves_no_grant_that_nobody_ends(it: Execution, sends: int) -> None:
    """Where its record is done before the grant has ended nothing comes back to it: its token is kept, and it is shown as disconnecting."""
    await it.take(intent(1))
    it.leave(grant())
    it.start()
    it.taken.clear()
    it.broker.die_before = it.broker.sends + sends
    with contextlib.suppress(KilledError):
        await it.take(intent(1))
    done = it.taken == [intent(1)]
    it.broker.die_before = None
    it.start()
    if not done:
        await it.take(intent(1))
    assert (it.calendar.standing(), it.connections.get(0, ADA).retiring) == ([], ())
    assert it.broker.states(TOPICS.connection_status)[-1] is ConnectionState.DISCONNECTED


async def moved(it: Execution) -> None:
    """ada's class stands on the old calendar, and she has connected another."""
    it.connect(grant())
    await it.take(intent(1))
    it.connect(OTHER, grant())
    it.start()


async def test_a_class_stands_on_the_new_calendar_while_the_old_ones_service_fails(it: Execution) -> None:
    await moved(it)
    it.calendar.script.fail(failing, operation="delete", times=2)
    await it.take(intent(1))
    assert sorted(event.mailbox for event in it.calendar.standing()) == ["ada", "ada-2"]
    await it.take(intent(2, entry(title="Yin")))
    assert [event.entry.title for event in it.calendar.standing("ada-2")] == ["Yin"]
    await it.take_again()
    assert [event.mailbox for event in it.calendar.standing()] == ["ada-2"]
    assert it.connections.get(0, ADA).retiring == ()


@pytest.mark.parametrize("old", [(), (grant(),)], ids=["the old grant is dead", "the old grant still works"])
async def test_a_mailbox_that_is_connected_under_another_address_shows_the_class_once(it: Execution, old: tuple[Held, ...]) -> None:
    """An alias, or an account that was renamed: nobody can tell that from another mailbox but by looking."""
    await it.take(intent(1))
    it.tokens.grant("refresh-3", ADA)
    it.connect(grant(3, email="ada@married.example"), *old)
    it.start()
    await it.take(intent(2, entry(title="Yin")))
    assert (titles(it), it.calls) == (["Yin"], ["create", "find", "update"])
    assert (it.row.left, it.connections.get(0, ADA).retiring) == ((), ())
    assert "revoke" not in [call.operation for call in it.tokens.calls], "at Google it would end the new grant too"


async def test_what_was_begun_under_another_address_of_the_mailbox_is_found(it: Execution) -> None:
    it.calendar.script.fail(failing, operation="create", after=True)
    await it.take(intent(1))
    it.tokens.grant("refresh-3", ADA)
    it.connect(grant(3, email="ada@married.example"))
    it.start()
    await it.take(intent(1))
    assert (titles(it), it.calls, it.row.begun) == (["Yoga for all"], ["create", "find", "update"], ())


async def test_an_event_that_may_still_appear_in_the_same_mailbox_holds_up_a_create(it: Execution) -> None:
    """Nothing would find it later, were the old grant dead; and its generation is not used again."""
    it.calendar.script.fail(failing, operation="create")
    await it.take(intent(1))
    it.connect(OTHER)
    it.start()
    await it.take(intent(1))
    assert (it.calls, it.outcomes[-1][0]) == (["create", "find"], OutcomeKind.RETRYING)
    await it.take_again()
    assert [(event.mailbox, event.mark.generation) for event in it.calendar.standing()] == [("ada-2", 1)]


async def test_a_move_is_told_as_what_became_of_the_new_calendar(it: Execution) -> None:
    """What was taken off the old one comes last, and is not what anybody asks after."""
    await moved(it)
    await it.take(intent(1))
    told = it.told[-1]
    assert (it.calls, told.kind, told.service) == (["create", "find", "create", "delete"], OutcomeKind.CREATED, GOOGLE)
    assert told.remote_id == it.calendar.standing("ada-2")[0].remote_id


async def test_taking_off_what_is_left_of_a_move_changes_nothing_that_stands(it: Execution) -> None:
    await moved(it)
    it.calendar.script.fail(failing, operation="delete")
    await it.take(intent(1))
    stands = it.calendar.standing("ada-2")[0].remote_id
    assert (it.told[-1].kind, it.told[-1].remote_id) == (OutcomeKind.RETRYING, stands)
    await it.take_again()
    assert (it.told[-1].kind, it.told[-1].remote_id, it.calls[-1]) == (OutcomeKind.UNCHANGED, stands, "delete")


async def test_a_cancelled_class_that_goes_from_both_calendars_is_told_as_deleted(it: Execution) -> None:
    await moved(it)
    it.calendar.script.fail(failing, operation="delete")
    await it.take(intent(1))
    await it.take(intent(2, None))
    assert (it.told[-1].kind, it.told[-1].remote_id, it.calendar.standing()) == (OutcomeKind.DELETED, None, [])


async def test_an_old_calendar_that_fails_for_long_is_cleared_in_the_end(it: Execution) -> None:
    """With a last attempt the class would stand on both for good."""
    await moved(it)
    it.calendar.script.fail(failing, operation="delete", times=6)
    await it.take(intent(1))
    for _ in range(6):
        await it.take_again()
    assert [event.mailbox for event in it.calendar.standing()] == ["ada-2"]
    assert (it.sent_to(TOPICS.intents_dlq), it.connections.get(0, ADA).retiring) == ([], ())


async def test_a_class_that_the_new_calendar_refuses_still_goes_from_the_old_one(it: Execution) -> None:
    """Else it would stand there for good, whatever becomes of it, and the old grant's token would be kept."""
    await moved(it)
    it.calendar.script.fail(never, operation="create", times=None)
    await it.take(intent(1))
    assert (it.calendar.standing(), it.connections.get(0, ADA).retiring) == ([], ())
    (letter,) = it.sent_to(TOPICS.intents_dlq)
    assert letter[names.ERROR_CLASS] == b"Permanent"


async def test_an_old_calendar_that_fails_while_the_new_one_refuses_is_tried_again(it: Execution) -> None:
    await moved(it)
    it.calendar.script.fail(never, operation="create", times=None)
    it.calendar.script.fail(failing, operation="delete")
    await it.take(intent(1))
    assert (it.outcomes[-1][0], len(it.calendar.standing())) == (OutcomeKind.RETRYING, 1)
    it.now += SETTLE
    await it.take_again()
    assert (it.calendar.standing(), len(it.sent_to(TOPICS.intents_dlq))) == ([], 1)


async def test_a_mailbox_at_the_old_service_that_was_asked_to_rest_does_not_hold_up_the_new_one(it: Execution) -> None:
    it.services.rest(Service.MICROSOFT, ADA, it.now + timedelta(hours=3))
    await it.take(intent(1))
    assert titles(it) == ["Yoga for all"]


async def test_a_sweep_is_not_held_up_by_a_retry_that_waits_for_hours(it: Execution) -> None:
    waits = str(int((it.now + timedelta(hours=3)).timestamp() * 1000)).encode()
    retry = it.item(intent(1), {names.NOT_BEFORE: waits, names.ATTEMPT: b"1"})
    await it.take_items(retry)
    assert it.calls == []
    await it.take_items(retry, it.item(intent(1), {}))
    assert titles(it) == ["Yoga for all"]


# resting


async def test_while_the_circuit_is_open_entries_rest_without_a_call_or_a_retry(it: Execution) -> None:
    for mailbox in ("bea", "cid"):
        await it.services.answered(GOOGLE, mailbox, failing())
    await it.take(intent(1))
    assert (it.calls, it.outcomes, it.row.waiting) == ([], [(OutcomeKind.WAITING, Reason.SERVICE_FAILING)], Reason.SERVICE_FAILING)


async def test_an_entry_looks_again_after_its_row_is_confirmed_whether_the_service_answers_by_now(
    it: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wake-up went out while the row was not local yet: it would rest for ever (docs/adr/005)."""
    for mailbox in ("bea", "cid"):
        await it.services.answered(GOOGLE, mailbox, failing())
    write = it.agenda.write_row

    async def recovers_meanwhile(partition: int, key: bytes, row: bytes | None, **options: bool) -> object:
        if row is not None and decode_agenda(row).waiting == Reason.SERVICE_FAILING:
            await it.services.answered(GOOGLE, "bea", None)
        return await write(partition, key, row, **options)

    monkeypatch.setattr(it.agenda, "write_row", recovers_meanwhile)
    await it.take(intent(1))
    assert (titles(it), it.outcomes) == (["Yoga for all"], [(OutcomeKind.CREATED, None)])


async def test_an_entry_looks_again_after_its_row_is_confirmed_whether_the_provider_is_connected_by_now(
    it: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    it.leave()
    write = it.agenda.write_row

    async def connects_meanwhile(partition: int, key: bytes, row: bytes | None, **options: bool) -> object:
        await it.connections.change(0, ADA, lambda before: msgspec.structs.replace(before, current=grant()))
        return await write(partition, key, row, **options)

    monkeypatch.setattr(it.agenda, "write_row", connects_meanwhile)
    await it.take(intent(1))
    assert (titles(it), it.outcomes) == (["Yoga for all"], [(OutcomeKind.CREATED, None)])


async def test_a_burst_is_executed_as_its_last_state_and_the_rest_is_superseded(it: Execution) -> None:
    await it.take(intent(1), intent(3, entry(title="Yin")), intent(2, None))
    assert (it.calls, titles(it)) == (["create"], ["Yin"])
    assert sorted(kind.value for kind, _ in it.outcomes) == ["created", "superseded", "superseded"]
    assert len(it.taken) == 3


async def test_what_was_found_and_taken_off_at_once_is_told_as_deleted(it: Execution) -> None:
    it.calendar.script.fail(failing, operation="create", after=True)
    await it.take(intent(1))
    await it.take(intent(2, None))
    assert (it.outcomes[-1], it.calendar.standing()) == ((OutcomeKind.DELETED, None), [])


async def test_how_late_a_calendar_is_counts_for_live_changes_alone(it: Execution) -> None:
    def late() -> float | None:
        return it.registry.get_sample_value("impact_execute_delay_seconds_sum", {"service": "google"})

    await it.take(intent(1, occurred_at=it.now - timedelta(seconds=3)))
    assert late() == 3
    await it.take(intent(1, occurred_at=it.now - timedelta(seconds=9)))
    await it.take_items(it.item(intent(2, entry(title="Yin"), occurred_at=it.now - timedelta(days=9)), {}, Lane.BULK))
    assert titles(it) == ["Yin"]
    assert late() == 3


@pytest.mark.parametrize("wrong", ["missing", "another under the same id"])
async def test_a_vault_key_that_does_not_fit_costs_neither_attempts_nor_the_connection(
    it: Execution, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator mends it and starts the worker again: what rested is executed."""
    it.start(KeyRing([("another" if wrong == "missing" else "test", b"w" * 32)]))
    await it.take(intent(1))
    await it.take(intent(2, entry(title="Yin")))
    assert it.outcomes == [(OutcomeKind.WAITING, Reason.TOKEN_UNREADABLE)] * 2
    assert (it.row.waiting, it.calls, it.sent_to(TOPICS.intents_dlq)) == (Reason.TOKEN_UNREADABLE, [], [])
    current = it.connections.get(0, ADA).current
    assert current is not None
    assert current.usable
    assert len([record for record in caplog.records if "IMPACT_VAULT_KEYS" in record.message]) == 1

    it.start()
    assert await it.agendas.resting(0) == [ROW]
    await it.take(intent(2, entry(title="Yin")))
    assert titles(it) == ["Yin"]


async def test_a_connection_that_comes_while_a_token_is_found_unreadable_is_not_missed(
    it: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sweep came too early for a row that was not local yet, and nobody else would come back to it before the next start."""
    it.start(KeyRing([("test", b"w" * 32)]))
    token = it.connections.keeper.access_token

    async def reconnecting(wanted: Grant) -> str:
        if wanted.grant_id == "grant-1":
            await it.connections.change(0, ADA, lambda row: replace(row, current=grant(2)))
        return await token(wanted)

    monkeypatch.setattr(it.connections.keeper, "access_token", reconnecting)
    asked: list[str] = []
    perform = it.executor._actions.perform

    async def noting(run: Run, action: Act) -> None:
        asked.append(action.grant.grant_id)
        await perform(run, action)

    monkeypatch.setattr(it.executor._actions, "perform", noting)
    await it.take(intent(1))
    assert asked == ["grant-1", "grant-2"]
    assert it.outcomes == [(OutcomeKind.WAITING, Reason.TOKEN_UNREADABLE)]
