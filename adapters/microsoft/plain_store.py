"""A backing store for the SDK's models that keeps values and nothing else.

The SDK's own store tracks which fields changed since a model was read, with subscriptions between nested models; for models that are
made, sent and dropped that is more than half of the cost of making them. It is given to each model, so the SDK's default stays.
"""

from collections.abc import Callable
from typing import Any

from kiota_abstractions.store import BackingStore

__all__ = ["PlainStore"]


class PlainStore(BackingStore[Any]):
    """Every value counts as changed, always; there is nobody to tell about changes."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def set(self, key: str, value: Any) -> None:
        self._values[key] = value

    def enumerate_(self) -> list[tuple[str, Any]]:
        return list(self._values.items())

    def enumerate_keys_for_values_changed_to_null(self) -> list[str]:
        """None: a field that was never given is left out, and the SDK would write these as JSON nulls under its Python names."""
        return []

    def subscribe(self, callback: Callable[[str, Any, Any], None], subscription_id: str | None = None) -> str:
        """Nobody is told; the id is given back as the interface asks."""
        return subscription_id or ""

    def unsubscribe(self, subscription_id: str) -> None:
        """Nothing was subscribed."""

    def clear(self) -> None:
        self._values.clear()

    @property
    def is_initialization_completed(self) -> bool:
        return True

    @is_initialization_completed.setter
    def is_initialization_completed(self, completed: bool) -> None:
        """Would separate values read from values changed: here all are sent."""

    @property
    def return_only_changed_values(self) -> bool:
        return False

    @return_only_changed_values.setter
    def return_only_changed_values(self, changed: bool) -> None:
        """All values are returned, whoever asks."""
