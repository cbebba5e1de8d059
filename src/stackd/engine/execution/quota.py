"""How many resources the stacks of a tree have, against the most that they may have together.

Requests are checked before they are accepted; this is for nested stacks whose size is known only when
they are made, because it hangs on an attribute or on the size of a group.
"""

from __future__ import annotations

from collections.abc import Mapping

from stackd.errors import RequestLimitExceeded


class ResourceQuota:
    """``taken`` are the resources by stack; a negative ``most`` is no limit."""

    def __init__(self, most: int = -1, taken: Mapping[str, int] | None = None) -> None:
        self._most = most
        self._taken = dict(taken or {})
        self._total = sum(self._taken.values())

    def take(self, stack_id: str, count: int) -> None:
        """Let a stack have so many resources; only one that grows can be refused."""
        before = self._taken.get(stack_id, 0)
        total = self._total - before + count
        if count > before and 0 <= self._most < total:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Maximum resources per stack exceeded ({self._most})."
            )
        self._taken[stack_id] = count
        self._total = total

    def leave(self, stack_id: str | None) -> None:
        """A stack is going: it does not count any more."""
        self._total -= self._taken.pop(stack_id or "", 0)
