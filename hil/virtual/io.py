"""Every input and output of the controller, counted; one of them can be made to fail, or to be its last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Literal

Kind = Literal["modbus", "can", "journal", "mqtt"]
KINDS: tuple[Kind, ...] = ("modbus", "can", "journal", "mqtt")


class Io:
    """counts: operations so far, by kind. reached: what the chosen operation was, '' as long as it has not come.

    on_reached: called at the chosen operation, which then fails as such operations do, unless its process has died.
    """

    def __init__(self) -> None:
        self.counts: Counter[Kind] = Counter()
        self.reached = ""
        self.on_reached: Callable[[], None] = _nothing
        self._kinds: Collection[Kind] = ()
        self._left = 0
        self._after = self._under_way = False

    def choose(self, number: int, kinds: Collection[Kind] = KINDS, *, after: bool = False) -> None:
        """Let the number-th operation of these kinds from now on fail (1 is the next).

        after: it goes well, and on_reached is called when it is done; only the journal tells of that.
        """
        self._left, self._kinds, self._after, self.reached = number, kinds, after, ""

    def spare(self) -> None:
        """Let none fail any more."""
        self._left = 0

    def fails(self, kind: Kind) -> bool:
        """To be asked before each operation: whether it is the one."""
        self.counts[kind] += 1
        if self._left == 0 or kind not in self._kinds:
            return False
        self._left -= 1
        if self._left:
            return False
        self.reached = f"{kind} {self.counts[kind]}"
        if self._after:
            self._under_way = True
            return False
        self.on_reached()
        return True

    def done(self) -> None:
        """To be told after each operation of the journal that was done."""
        if self._under_way:
            self._under_way = False
            self.on_reached()


def _nothing() -> None:
    """Nobody wants to know."""
