"""When a class may be forgotten, so that memory follows the classes that matter and not all of history."""

from datetime import date, timedelta

from streams.domain.state import ClassState

__all__ = ["day_to_forget", "forget_on", "is_forgotten"]

#: The last day is a wall date, and today is UTC's: west of Greenwich the class's day ends on UTC's next one.
_ZONE_SLACK_DAYS = 1


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
    last_day = state.last_event_on if state.details is None else state.details.ends_at.date()
    return None if last_day is None else day_to_forget(last_day, forget_after_days)


def is_forgotten(state: ClassState, today: date, forget_after_days: int) -> bool:
    """Whether the class is to be forgotten on `today` (UTC)."""
    day = forget_on(state, forget_after_days)
    return day is not None and today >= day
