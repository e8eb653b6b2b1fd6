"""What a message that breaks its contract raises."""

__all__ = ["ContractViolation"]


class ContractViolation(ValueError):
    """A message breaks its contract; it is a dead letter, never retried.

    `code` is a short stable word for metrics (`not_json`, `unknown_type` ...); `reason` names the field and what was expected. Neither
    holds a value of the payload's roster.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
