"""What keeps a worker from its work before it has begun, told in one line."""

from datetime import timedelta

from streams.settings import SettingError

__all__ = ["session_refused"]


def session_refused(session: timedelta) -> SettingError:
    """Brokers take a session within bounds of theirs; outside of them nobody gets into a group, however often it asks."""
    expects = "a time within their group.min.session.timeout.ms and group.max.session.timeout.ms"
    return SettingError("IMPACT_SESSION_TIMEOUT", expects, "30s", f"is {session.total_seconds():.0f}s, which the brokers refuse")
