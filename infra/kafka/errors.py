"""What keeps the local broker from running."""

__all__ = ["BrokerError", "MissingToolError"]


class BrokerError(RuntimeError):
    """The local broker cannot be fetched, formatted or started; the message says what to do."""


class MissingToolError(BrokerError):
    """Java or Maven is missing or too old."""
