"""Why a port cannot be listened on, in the words of the system alone: asyncio's say the address again, in its own form."""

import os

__all__ = ["why_not"]


def why_not(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
