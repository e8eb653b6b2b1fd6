"""In-memory calendar service and token endpoint, behind the same ports as the real ones and under the same contract suite.

Failures are scripted: before the work (nothing was done) or after it (done, and the caller is told that it failed). What a caller must
never do is an AssertionError here, not an answer: two calls at once for one provider and class, an empty token, a wall time with an offset.
"""

from adapters.fakes.calendar import FakeCalendar, FakeEvent
from adapters.fakes.script import Call, Operation, Script
from adapters.fakes.tokens import FakeTokens

__all__ = ["Call", "FakeCalendar", "FakeEvent", "FakeTokens", "Operation", "Script"]
