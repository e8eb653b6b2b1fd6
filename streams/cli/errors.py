"""How a command ends when it cannot do what it was told.

    CommandError          exit 1: the world is not as needed (no broker, no topics); says what to do
    ├── InputError        exit 2: what was given is wrong (a line of a file, an option); says where
    └── StoppedError      exit 130: Ctrl-C in the middle of the work; says how far it came

Missing or malformed settings are streams.settings.SettingError, exit 2 as well. Messages hold no token and no student.
"""

__all__ = ["CommandError", "InputError", "StoppedError"]


class CommandError(Exception):
    """`str(error)` is what the operator reads."""

    exit_code = 1


class InputError(CommandError):
    exit_code = 2


class StoppedError(CommandError):
    exit_code = 130
