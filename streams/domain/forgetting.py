"""When a class may be forgotten, so that memory follows the classes that matter and not all of history."""

from datetime import date, timedelta

from streams.domain.state import ClassState

__all__ = ["day_to_forget", "day_to_keep", "forget_on", "is_forgotten", "last_day_of", "later_day"]

#: The last day is a wall date, and today is UTC's: west of Greenwich the class's day ends on UTC's next one.
_ZONE_SLACK_DAYS = 1


def day_to_keep(was: date, becomes: date, occurred_on: date) -> date | None:
    """Of a last day that moves back: the day that counts as the last one all the same, if any.

    So a class that is moved to the year 2007 by a slip of the hand is not forgotten before somebody can mend it; nor is one kept for long
    that had a placeholder far in the future before.
    """
    return min(was, occurred_on) if becomes < was else None


def later_day(one: date | None, other: date | None) -> date | None:
    return max(one, other) if one is not None and other is not None else one or other


def last_day_of(state: ClassState) -> date | None:
    """The day from which on the days until it is forgotten count. None where it is not known."""
    return state.last_event_on if state.details is None else later_day(state.details.ends_at.date(), state.kept_until)


def day_to_forget(last_day: date, forget_after_days: int) -> date:
    """The days, and one of slack for zones, after a last day."""
    try:
        return last_day + timedelta(days=forget_after_days + _ZONE_SLACK_DAYS)
    except OverflowError:  # a placeholder far in the future, and many days
        return date.max


def forget_on(state: ClassState, forget_after_days: int) -> date | None:
    """The first day (UTC) on which the class is forgotten.

    A class never scheduled has no last day; that of its last event stands in. None when that is not known either: the caller gives
    `evolve` the day of the record where the event has no time, so that such a class does not stay for ever.
    """
    last_day = last_day_of(state)
    return None if last_day is None else day_to_forget(last_day, forget_after_days)


def is_forgotten(state: ClassState, today: date, forget_after_days: int) -> bool:
    """Whether the class is to be forgotten on `today` (UTC)."""
    day = forget_on(state, forget_after_days)
    return day is not None and today >= day
