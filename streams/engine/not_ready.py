"""What keeps a worker from its work before it has begun, told in one line: a traceback would say nothing more.

NotReadyError                   exit 1: the world is not as a worker needs it
├── BrokersUnreachableError     no broker answers; it may go away by waiting
├── BrokersRefuseError          they answer, and let nobody in: theirs to mend
├── PermissionsMissingError     they let us in, and not do what we have to
└── TopicsNotReadyError         engine.preflight: topics are not as declared
SettingError                    exit 2: the brokers refuse what a setting says
"""

__all__ = ["BrokersRefuseError", "BrokersUnreachableError", "NotReadyError", "PermissionsMissingError"]


class NotReadyError(Exception):
    """`str(error)` says what is not there, and what to look at."""


class BrokersUnreachableError(NotReadyError):
    """No broker could be reached, or none answered in time."""


class BrokersRefuseError(NotReadyError):
    """Brokers let no client in, for a reason that is no setting of ours."""


class PermissionsMissingError(NotReadyError):
    """The brokers' access lists do not permit what this process does."""
