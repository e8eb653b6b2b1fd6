"""Whatever happens to one class on one provider's calendars, in whatever order, each calendar ends as the newest intent says."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from adapters.errors import AlreadyExists, EventGone, ReconnectNeeded, ServiceFailing, Throttled
from schemas.connections import ConnectionEvent, Service
from schemas.intents import CalendarEntry, Intent
from streams.domain.agenda import Agenda, Calendar, Creating, decode_agenda, encode_agenda, intent_of, merge
from streams.domain.connection import Connection, Held, closing, decode_connection_row, encode_connection_row, grant_died, retired
from streams.domain.connection_events import Change, on_connection_event
from streams.domain.entry import has_ended, when_and_where
from streams.domain.owed import begun, may_appear_for, owes_removal, standing, still_wanted
from streams.domain.reconcile import (
    Adopt,
    Create,
    Delete,
    Done,
    Rest,
    Seek,
    Settle,
    Update,
    reconcile,
)
from streams.domain.transitions import (
    after_create,
    after_delete,
    after_gone,
    after_look,
    after_no,
    after_no_to_create,
    after_recognition,
    after_search,
    after_update,
    begin_again,
    begin_create,
    begin_delete,
    begin_update,
    next_generation,
)
from tests.support.execution import ADA, CLASS_ID, NOW, entry, granted, intent, revoked
from tests.support.model_calendar import ModelCalendars

#: How long after a call began a service may still carry it out.
SETTLE = timedelta(seconds=10)
#: More steps than any entry takes.
MANY = 15
AFTER_THE_CLASS = datetime(2027, 4, 1, tzinfo=NOW.tzinfo)

ENTRIES = (
    entry(),
    entry(title="Yin"),
    entry(url=None),
    entry(location="Room 2"),
    entry(starts_at=datetime(2027, 3, 9, 18), ends_at=datetime(2027, 3, 9, 19)),
    None,
)
#: The last address of each service opens the same mailbox as its first one.
ACCOUNTS = (
    (Service.GOOGLE, "ada@example.org"),
    (Service.GOOGLE, "ada@home.example"),
    (Service.GOOGLE, "ada@alias.example"),
    (Service.MICROSOFT, "ada@example.org"),
    (Service.MICROSOFT, "ada@alias.example"),
)
ALIASES = {Calendar(service, "ada@alias.example"): Calendar(service, "ada@example.org") for service in Service}


T = TypeVar("T")


class Fault(Enum):
    """What befalls one call."""

    NONE = "none"
    FAILS_BEFORE = "fails before the work"
    FAILS_AFTER = "fails after the work"
    FAILS_AND_WORKS_LATER = "fails; the work is done later"
    SAYS_NO = "answered: not done, try again"
    KILLED_BEFORE = "the worker is killed before the call, what was confirmed stays"
    KILLED_AFTER = "the worker is killed after the call"
    KILLED_AND_WORKS_LATER = "the worker is killed after the call, the work is done later"


class KilledError(Exception):
    """The worker's memory is gone."""


class UnsettledError(Exception):
    """A call that was never answered may still be carried out: to be looked at later."""


class Execution(RuleBasedStateMachine):
    """`row` and `connection` are what is confirmed; `topic` the intents that were published, `pending` those not yet done."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.calendars = ModelCalendars(aliases=ALIASES)
        self.row: bytes | None = None
        self.connection = Connection(provider_id=ADA)
        self.topic: list[Intent] = []
        self.pending: list[Intent] = []
        self.grants = 0
        self.events: list[ConnectionEvent] = []
        self.faults: list[Fault] = []
        self.newest_heard = 0
        self.agenda = Agenda(provider_id=ADA, class_id=CLASS_ID)
        #: Calendars that were left with the wish that nothing stays on them.
        self.to_be_empty: set[Calendar] = set()
        #: Date, time and place (hashed) of what a hand removed, and of what is remembered as dismissed.
        self.removed: set[str] = set()
        self.dismissed: str | None = None

    # what the rest of the world does

    @rule(shown=st.sampled_from(ENTRIES), skipped=st.integers(0, 2))
    def class_changes(self, shown: CalendarEntry | None, skipped: int) -> None:
        revision = (self.topic[-1].revision if self.topic else 0) + 1 + skipped
        self.topic.append(intent(revision, shown))
        self.pending.append(self.topic[-1])

    @precondition(lambda self: self.topic)
    @rule(data=st.data())
    def an_old_intent_comes_again(self, data: st.DataObject) -> None:
        self.pending.append(data.draw(st.sampled_from(self.topic)))

    @rule(account=st.sampled_from(ACCOUNTS))
    def provider_connects(self, account: tuple[Service, str]) -> None:
        self.grants += 1
        self.hear(granted(self.grants, service=account[0], email=account[1]))

    @precondition(lambda self: self.connection.current is not None)
    @rule(remove_events=st.booleans())
    def provider_disconnects(self, remove_events: bool) -> None:
        self.hear(revoked(self.grants, remove_events=remove_events))

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def a_connection_event_comes_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.events))
        assert on_connection_event(self.connection, event)[0] == self.connection
        self.hear(event)

    @precondition(lambda self: self.connection.current is not None or self.connection.retiring)
    @rule(data=st.data())
    def user_revokes_a_grant_at_the_service(self, data: st.DataObject) -> None:
        current = (self.connection.current,) if self.connection.current is not None else ()
        grant = data.draw(st.sampled_from((*current, *self.connection.retiring)))
        self.calendars.dead_grants.add(grant.grant_id)
        self.to_be_empty.discard(self.calendars.mailbox(grant.calendar))

    @rule()
    def somebody_removes_the_event_by_hand(self) -> None:
        for calendar in self.calendars.events:
            for event in self.calendars.standing(calendar):
                event.standing = False
                self.removed.add(when_and_where(event.entry))

    @rule()
    def somebody_edits_the_event_by_hand(self) -> None:
        for calendar in self.calendars.events:
            for event in self.calendars.standing(calendar):
                event.edited = True

    @rule(randomly=st.randoms(use_true_random=False))
    def work_that_timed_out_is_done_at_last(self, randomly: Random) -> None:
        self.calendars.late_work_happens(randomly.shuffle)

    @precondition(lambda self: self.now < AFTER_THE_CLASS)
    @rule(long=st.sampled_from([False, False, False, True]))
    def time_passes(self, long: bool) -> None:
        self.calendars.late_work_happens()
        self.now = AFTER_THE_CLASS if long else self.now + SETTLE
        if long:
            self.to_be_empty.clear()

    # what the worker does

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), faults=st.lists(st.sampled_from(Fault), max_size=4))
    def worker_takes_intents(self, data: st.DataObject, faults: list[Fault]) -> None:
        self.work(data.draw(st.lists(st.sampled_from(self.pending), min_size=1, max_size=4)), faults)

    def work(self, taken: list[Intent], faults: list[Fault]) -> None:
        """`faults`: what befalls the calls, the last of them first."""
        self.faults = faults
        try:
            self.execute(taken)
        except KilledError:
            return  # nothing was committed: they are read again
        except (Throttled, ServiceFailing, UnsettledError):
            return  # a retry tier: they come back
        finally:
            self.faults = []
        self.pending = [each for each in self.pending if each not in taken]

    @rule()
    def everything_comes_to_rest(self) -> None:
        self.settle()
        self.check_what_stands()
        self.calendars.late_work_happens()
        self.check_what_stands()
        writes, row = self.calendars.writes, self.row
        self.pending = self.topic[::-1]
        self.settle()
        assert (self.calendars.writes, self.row) == (writes, row), "a repeat changed something"

    def settle(self) -> None:
        for _ in range(MANY):
            if not self.pending:
                return
            try:
                self.execute(list(self.pending))
            except UnsettledError:
                self.calendars.late_work_happens()
                self.now += SETTLE
            else:
                self.pending = []
        raise AssertionError("it never comes to rest")

    def check_what_stands(self) -> None:
        for calendar in self.to_be_empty:
            assert self.calendars.standing(calendar) == []
        current = self.connection.current
        if current is None or not current.usable or not self.topic:
            return
        desired, stand = self.topic[-1].entry, self.calendars.standing(current.calendar)
        if desired is None:
            assert stand == []
        elif stand:
            assert stand[0].entry == desired
        else:
            assert when_and_where(desired) in self.removed or has_ended(desired, self.now), "it is missing"

    @invariant()
    def at_most_one_event_stands_on_each_calendar(self) -> None:
        for calendar in self.calendars.events:
            assert len(self.calendars.standing(calendar)) <= 1

    @invariant()
    def no_older_state_takes_the_place_of_a_newer_one(self) -> None:
        desired = decode_agenda(self.row).desired if self.row is not None else None
        revision = desired.revision if desired is not None else 0
        assert revision >= self.newest_heard
        self.newest_heard = revision

    # the machinery, as the execute worker's

    def hear(self, event: ConnectionEvent) -> None:
        before = self.connection
        after, change = on_connection_event(before, event)
        if after != before:
            self.events.append(event)
        self.remember(after)
        for grant in closing(after):
            self.remember(retired(self.connection, grant.grant_id))
        self.expect_empty(before)
        if change is Change.SWEEP and self.row is not None:
            again = intent_of(decode_agenda(self.row))
            assert again is not None
            self.pending.append(again)
        self.retire_done()

    def expect_empty(self, before: Connection) -> None:
        for grant in self.connection.retiring:
            if grant not in before.retiring and self.is_alive(grant) and self.now < AFTER_THE_CLASS:
                mailbox = self.calendars.mailbox(grant.calendar)
                if self.is_known_under_addresses_that_can_be_left(mailbox):
                    self.to_be_empty.add(mailbox)
        if self.connection.current is not None:
            self.to_be_empty.discard(self.calendars.mailbox(self.connection.current.calendar))

    def is_alive(self, grant: Held) -> bool:
        return grant.grant_id not in self.calendars.dead_grants

    def is_known_under_addresses_that_can_be_left(self, mailbox: Calendar) -> bool:
        """Whether all that we know of in a mailbox came there under an address whose grant still works. Nobody tells us here that two
        addresses are one account's, and nothing is looked for on a calendar that is being left (docs/adr/017)."""
        row = decode_agenda(self.row) if self.row is not None else self.agenda
        known = {each.calendar for each in (*standing(row), *begun(row)) if self.calendars.mailbox(each.calendar) == mailbox}
        return known <= {grant.calendar for grant in self.connection.retiring if self.is_alive(grant)}

    def retire_done(self) -> None:
        for grant in self.connection.retiring:
            if self.row is None or not owes_removal(decode_agenda(self.row), grant.calendar, self.now):
                self.remember(retired(self.connection, grant.grant_id))

    def remember(self, connection: Connection) -> None:
        self.connection = decode_connection_row(encode_connection_row(connection))

    def save(self) -> None:
        self.row = encode_agenda(self.agenda)

    def execute(self, intents: list[Intent]) -> None:
        """Raises Throttled, ServiceFailing, UnsettledError (all: to a retry tier) or KilledError."""
        self.agenda = decode_agenda(self.row) if self.row is not None else Agenda(provider_id=ADA, class_id=CLASS_ID)
        for each in intents:
            self.agenda = merge(self.agenda, each)
        for _ in range(MANY):
            action = reconcile(self.agenda, self.connection, self.now)
            if isinstance(action, Done | Rest):
                self.save()
                self.retire_done()
                return
            if isinstance(action, Settle):
                self.save()
                self.retire_done()
                raise UnsettledError
            self.take(action)
        raise AssertionError("it never comes to rest")

    def take(self, action: Create | Adopt | Seek | Update | Delete) -> None:
        try:
            self.perform(action)
        except ReconnectNeeded:
            self.remember(grant_died(self.connection, action.grant.grant_id, "invalid_grant"))
        except (Throttled, ServiceFailing, UnsettledError):
            self.save()
            raise

    def perform(self, action: Create | Adopt | Seek | Update | Delete) -> None:
        match action:
            case Create():
                assert not has_ended(action.entry, self.now)
                self.agenda = begin_create(self.agenda, action, self.now)
                self.save()
                assert self.agenda.creating is not None
                self.create(action.grant, self.agenda.creating)
            case Adopt():
                self.adopt(action.grant, action.creating)
            case Seek():
                self.seek(action)
            case Update():
                try:
                    self.change(action, lambda: self.calendars.update(action.grant, action))
                except EventGone:
                    self.agenda = after_gone(self.agenda, action)
                    self.dismissed = self.agenda.dismissed.when_and_where if self.agenda.dismissed is not None else None
                else:
                    self.agenda = after_update(self.agenda, action)
            case Delete():
                self.change(action, lambda: self.calendars.delete(action.grant, action.applied.calendar, action.applied.remote_id))
                self.agenda = after_delete(self.agenda, action)

    def change(self, action: Update | Delete, work: Callable[[], None]) -> None:
        self.agenda = self.begun(action)
        self.save()
        try:
            self.call(work, lambda: self.calendars.late.append(work))
        except ServiceFailing:
            self.agenda = self.begun(action)
            raise
        except (Throttled, EventGone, ReconnectNeeded):
            self.agenda = after_no(self.agenda, action)
            raise

    def begun(self, action: Update | Delete) -> Agenda:
        until = self.now + SETTLE
        return begin_update(self.agenda, action, until) if isinstance(action, Update) else begin_delete(self.agenda, action, until)

    def create(self, grant: Held, creating: Creating) -> None:
        assert when_and_where(creating.entry) != self.dismissed, "a dismissed event comes back"
        try:
            event = self.call(lambda: self.calendars.create(grant, creating), lambda: self.calendars.create_later(grant, creating))
        except AlreadyExists:
            if not self.find(grant, creating):
                self.agenda = next_generation(self.agenda, creating)
                self.save()
            return
        except ServiceFailing:
            self.agenda = begin_again(self.agenda, creating, self.now)
            raise
        except (Throttled, ReconnectNeeded):
            self.agenda = after_no_to_create(self.agenda, creating)
            raise
        self.agenda = after_create(self.agenda, creating, event)
        self.dismissed = None

    def seek(self, seek: Seek) -> None:
        found = self.call(lambda: self.calendars.find(seek.grant, seek.grant.calendar, seek.other.generation))
        if found is not None:
            self.agenda = after_recognition(self.agenda, seek, found)
            return
        if isinstance(seek.other, Creating) and may_appear_for(seek.other, SETTLE, self.now):
            raise UnsettledError
        self.agenda = after_search(self.agenda, seek)

    def find(self, grant: Held, creating: Creating) -> bool:
        found = self.call(lambda: self.calendars.find(grant, creating.calendar, creating.generation))
        if found is not None:
            self.agenda = after_create(self.agenda, creating, found)
        return found is not None

    def adopt(self, grant: Held, creating: Creating) -> None:
        if self.find(grant, creating):
            return
        if may_appear_for(creating, SETTLE, self.now):
            raise UnsettledError
        if still_wanted(self.agenda, creating, self.connection, self.now):
            self.agenda = begin_again(self.agenda, creating, self.now)
            self.save()
            assert self.agenda.creating is not None
            self.create(grant, self.agenda.creating)
        else:
            self.agenda = after_look(self.agenda, creating)

    def call(self, work: Callable[[], T], later: Callable[[], None] = lambda: None) -> T:
        """One call, and what befalls it."""
        fault = self.faults.pop() if self.faults else Fault.NONE
        match fault:
            case Fault.KILLED_BEFORE:
                raise KilledError
            case Fault.FAILS_BEFORE:
                raise ServiceFailing(Service.GOOGLE, "timeout")
            case Fault.FAILS_AND_WORKS_LATER:
                later()
                raise ServiceFailing(Service.GOOGLE, "timeout")
            case Fault.KILLED_AND_WORKS_LATER:
                later()
                raise KilledError
            case Fault.SAYS_NO:
                raise Throttled(Service.GOOGLE, "rateLimitExceeded", status=429)
        answer = work()
        match fault:
            case Fault.KILLED_AFTER:
                raise KilledError
            case Fault.FAILS_AFTER:
                raise ServiceFailing(Service.GOOGLE, "timeout")
        return answer


TestExecution = Execution.TestCase
TestExecution.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
