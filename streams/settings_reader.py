"""Reading one setting of the environment: what is there, in its type, or a complaint that says which, what it expects and an example."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from urllib.parse import SplitResult, urlsplit

from schemas.loopback import is_loopback

__all__ = ["Asked", "Reader", "SettingError", "key_of", "parse_duration"]


class SettingError(ValueError):
    """A setting is missing or malformed."""

    def __init__(self, name: str, expects: str, example: str, problem: str = "is missing") -> None:
        self.name = name
        super().__init__(f"{name} {problem}. It expects {expects}. Example: {name}={example}")


class Asked(Mapping[str, str]):
    """An environment that remembers the names it was asked for: what else begins with `IMPACT_` is no setting."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = {name: value for name, value in env.items() if value != ""}
        self._names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._names.add(name)
        return self._env[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._env)

    def __len__(self) -> int:
        return len(self._env)

    def warnings(self) -> tuple[str, ...]:
        """One for each name that is no setting, with the setting that may have been meant. No value: it may be a secret."""
        unknown = sorted(name for name in self._env.keys() - self._names if name.startswith("IMPACT_"))
        return tuple(f"{name} is no setting, and is ignored{self._meant(name)}" for name in unknown)

    def _meant(self, name: str) -> str:
        close = get_close_matches(name, sorted(self._names), n=1, cutoff=0.8)
        return f"; {close[0]} may have been meant" if close else ""


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> timedelta:
    """`30s`, `5m`, `3h`, `1d`. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])", text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _split_url(value: str) -> SplitResult | None:
    """None for what cannot be an address, a port out of range included."""
    try:
        parts = urlsplit(value)
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:
        return None


def key_of(text: str) -> bytes | None:
    """32 bytes from base64; None for anything else."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == 32 else None


@dataclass(frozen=True)
class Reader:
    """`env` holds no empty values: they count as absent."""

    env: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.env.get(name, default)

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise SettingError(name, "one of " + ", ".join(choices), default, f"is {value!r}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise SettingError(name, f"a whole number from {low} to {high}", str(default), f"is {value!r}")
        return int(value)

    def duration(self, name: str, default: timedelta, low: str, high: str) -> timedelta:
        example = f"{default.total_seconds():.0f}s"
        value = self.text(name, example)
        expects = f"a number and a unit (s, m, h, d), from {low} to {high}"
        try:
            duration = parse_duration(value)
        except ValueError:
            raise SettingError(name, expects, example, f"is {value!r}") from None
        if not parse_duration(low) <= duration <= parse_duration(high):
            raise SettingError(name, expects, example, f"is {value!r}")
        return duration

    def tiers(self, default: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        name = "IMPACT_RETRY_TIERS"
        if name not in self.env:
            return default
        expects, example = "durations, comma-separated, each longer than the one before", "30s,5m,30m,3h"
        try:
            tiers = tuple(parse_duration(part) for part in self.env[name].split(","))
        except ValueError as error:
            raise SettingError(name, expects, example, f"holds {str(error)!r}") from None
        if list(tiers) != sorted(set(tiers)):
            raise SettingError(name, expects, example, f"is {self.env[name]!r}")
        return tiers

    def url(self, name: str, default: str) -> str:
        value = self.text(name, default).rstrip("/")
        parts = _split_url(value)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise SettingError(name, "an absolute https address", default, f"is {value!r}")
        if "@" in parts.netloc:
            raise SettingError(name, "an address without a user name or password", default, "carries one")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            problem = f"is {value!r}: plain http is accepted for loopback addresses only"
            raise SettingError(name, "an https address", default, problem)
        return value

    def origin(self, name: str, default: str, expects: str) -> str:
        """An address without a path."""
        url = self.url(name, default)
        if urlsplit(url).path:
            raise SettingError(name, expects, default, f"is {url!r}")
        return url

    def topic_prefix(self, default: str) -> str:
        name = "IMPACT_TOPIC_PREFIX"
        value = self.text(name, default)
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,150}", value):
            raise SettingError(name, "at most 150 letters, digits, '.', '_' and '-'", "staging.", f"is {value!r}")
        return value
