"""Where the watches put what they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hil.record import Violation


class Findings:
    """Violations of a run. An invariant that stays broken is told once; `checks` counts the looks at each."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.violations: list[Violation] = []
        self.checks: Counter[str] = Counter()
        self._now = now
        self._broken: set[str] = set()

    def judge(self, invariant: str, holds: bool, text: Callable[[], str]) -> None:
        """One look at one invariant; text says what was seen, and is asked for only when it is needed."""
        self.checks[invariant] += 1
        if holds:
            self._broken.discard(invariant)
        elif invariant not in self._broken:
            self._broken.add(invariant)
            self.tell(invariant, text())

    def tell(self, invariant: str, text: str) -> None:
        """Something that was found broken."""
        self.violations.append(Violation(round(self._now(), 3), invariant, text))
