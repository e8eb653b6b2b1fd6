"""What keeps the local broker from running."""

__all__ = ["BrokerError"]


class BrokerError(RuntimeError):
    """The local broker cannot be fetched, formatted or started; the message says what to do."""
