"""How much may be on its way to the disk before more is refused."""

from __future__ import annotations

from collections.abc import Callable

from alertd.intake.answers import overloaded

MOST_BYTES = 64 * 1024 * 1024
STRANGERS_BYTES = MOST_BYTES // 2  # of bodies that are read before it is known who sends
LONGEST_WAIT_S = 5.0  # the tightest of the large senders gives up after 10 s


class Room:
    """Counts bytes in memory and how long the oldest commit has been waited for.

    Refusing at the door keeps those already inside within their senders' time-outs.

    Args:
        monotonic: In seconds.
        most_bytes: Of all that is in it.
        longest_wait_s: For a commit; beyond it nobody else is let in.
        behind: The room of which this is a part: what is in here is in there too.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        most_bytes: int = MOST_BYTES,
        longest_wait_s: float = LONGEST_WAIT_S,
        behind: Room | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._most_bytes = most_bytes
        self._longest_wait_s = longest_wait_s
        self._behind = behind
        self._bytes = 0
        self._commits: dict[int, float] = {}  # begun at, oldest first
        self._next = 0

    def take(self, size: int) -> None:
        """Reserve `size` bytes; `give_back` must follow.

        Raises:
            Refused: There is no room, or the store has stopped answering. Nothing was reserved.
        """
        if self._bytes + size > self._most_bytes:
            raise overloaded("too much is waiting to be stored")
        if self._commits:
            oldest = self._commits[next(iter(self._commits))]
            if self._monotonic() - oldest > self._longest_wait_s:
                raise overloaded("the store does not answer")
        if self._behind is not None:
            self._behind.take(size)
        self._bytes += size

    def give_back(self, size: int) -> None:
        """End a reservation."""
        self._bytes -= size
        if self._behind is not None:
            self._behind.give_back(size)

    def commit_begins(self) -> int:
        """Note that a commit is waited for, and return its number."""
        self._next += 1
        self._commits[self._next] = self._monotonic()
        return self._next

    def commit_ends(self, number: int) -> None:
        """Note that it is over, whatever came of it."""
        del self._commits[number]
