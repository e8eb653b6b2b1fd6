"""What `status` does while a group has no coordinator."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError

from streams.cli import report

NOT_AVAILABLE, LOADING, MOVED, REFUSED = 15, 14, 16, 30


class Admin:
    """Answers with these error codes, one a request, then with a stable group that committed nothing."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.asked: list[str] = []

    async def describe_consumer_groups(self, groups: list[str]) -> list[Any]:
        self.asked.append("members")
        code = self.codes.pop(0) if self.codes else 0
        if code == NOT_AVAILABLE:
            raise GroupCoordinatorNotAvailableError("asked for the coordinator")
        described = {"error_code": code, "state": "" if code else "Stable", "members": [] if code else [groups[0]]}
        return [SimpleNamespace(to_object=lambda: {"groups": [described]})]

    async def list_consumer_group_offsets(self, _group: str) -> dict[Any, Any]:
        self.asked.append("offsets")
        return {}


async def group_of(admin: Any) -> report.GroupStatus:
    return await report._group(admin, "fold", (), report._Ends(first={}, next={}))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_PAUSE", 0.0)


async def test_it_asks_again_and_reads_the_offsets_when_the_coordinator_is_ready() -> None:
    admin = Admin(NOT_AVAILABLE, MOVED, LOADING)
    status = await group_of(admin)
    assert (status.state, status.members) == ("Stable", 1)
    assert admin.asked == ["members"] * 4 + ["offsets"]


@pytest.mark.parametrize(
    ("code", "error"),
    [(NOT_AVAILABLE, GroupCoordinatorNotAvailableError), (LOADING, GroupLoadInProgressError), (MOVED, NotCoordinatorForGroupError)],
)
async def test_in_the_end_it_tells_what_the_brokers_said(code: int, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "COORDINATOR_SECONDS", 0.0)
    with pytest.raises(error):
        await group_of(Admin(*[code] * 10))


async def test_a_refusal_is_told_at_once() -> None:
    admin = Admin(REFUSED)
    with pytest.raises(Exception, match="GroupAuthorizationFailed"):
        await group_of(admin)
    assert admin.asked == ["members"]
