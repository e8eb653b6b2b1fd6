"""Which offset may be committed: the contiguous prefix of what was finished, in the order of arrival. Pure bookkeeping.

Faust 0.15.3 commits past messages that are still in flight when acks come out of order (see docs/adr/002). So nothing here relies on
Faust's acks: the consumer asks this tracker what to commit.
"""

from collections import deque
from collections.abc import Mapping

__all__ = ["OffsetTracker", "Partition", "Ticket"]

#: Topic and partition number.
Partition = tuple[str, int]


class Ticket:
    """One record, or a run of them, on its way. `last` is the offset of the last record."""

    __slots__ = ("epoch", "finished", "last", "partition")

    def __init__(self, partition: Partition, last: int, epoch: int) -> None:
        self.partition = partition
        self.last = last
        self.epoch = epoch
        self.finished = False


class OffsetTracker:
    """Tickets are opened in the order of the log and finished in any order.

    Only the order counts, not the numbers: holes in the log (compaction, transaction markers) are passed over.
    """

    def __init__(self) -> None:
        self._open: dict[Partition, deque[Ticket]] = {}
        self._position: dict[Partition, int] = {}
        self._epoch = 0
        self._suspended = False
        self._closed = False

    @property
    def epoch(self) -> int:
        """Changes with every `reset`; tickets of an earlier one count for nothing."""
        return self._epoch

    def accepts(self, epoch: int) -> bool:
        """Whether records that were handed over in `epoch` may still be begun."""
        return epoch == self._epoch and not self._suspended and not self._closed

    def suspend(self) -> None:
        """A partition is about to move: begin nothing more; what runs may still finish and count."""
        self._suspended = True

    def resume(self) -> None:
        self._suspended = False

    def close(self) -> None:
        """The worker ends: begin nothing more, whatever is resumed. What runs may still finish and count."""
        self._closed = True

    def open(self, partition: Partition, last: int) -> Ticket:
        ticket = Ticket(partition, last, self._epoch)
        self._open.setdefault(partition, deque()).append(ticket)
        return ticket

    def finish(self, ticket: Ticket) -> None:
        """Idempotent. A ticket from before the last reset is ignored: its partition may belong to another worker by now."""
        if ticket.finished or ticket.epoch != self._epoch:
            return
        ticket.finished = True
        waiting = self._open[ticket.partition]
        while waiting and waiting[0].finished:
            self._position[ticket.partition] = waiting.popleft().last + 1

    def positions(self) -> Mapping[Partition, int]:
        """Per partition the offset to commit: that of the next record to read."""
        return self._position

    def unfinished(self) -> int:
        return sum(map(len, self._open.values()))

    def reset(self) -> None:
        """Forget everything: after a rebalance every partition starts again from what was committed."""
        self._epoch += 1
        self._open.clear()
        self._position.clear()
