"""How many alarms come: rate, flood, and what is collected while there is one (EEMUA 191, ISA-18.2). Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 600.0
BEGINS_OVER = 10
"""More alarms than this in ten minutes are more than a person can respond to: a flood."""
ENDS_UNDER = 5
"""Fewer than this in ten minutes: it is over."""
STALE_S = 24 * 3600.0
"""An alarm that has stood for so long stands for nothing a person does any more."""


@dataclass(slots=True)
class Flood:
    """Alarms announced within the last ten minutes. first_out: the one that a flood began with."""

    active: bool = False
    first_out: str = ""
    collected: dict[str, None] = field(default_factory=dict)
    _raised: deque[tuple[float, str]] = field(default_factory=deque)

    @property
    def rate(self) -> int:
        """Alarms announced within the last ten minutes."""
        return len(self._raised)

    def note(self, identifier: str, now_s: float) -> None:
        """An alarm was announced."""
        self._raised.append((now_s, identifier))

    def look(self, now_s: float) -> bool | None:
        """True when a flood begins now, False when it ends now, else None."""
        while self._raised and now_s - self._raised[0][0] > WINDOW_S:
            self._raised.popleft()
        if not self.active and self.rate > BEGINS_OVER:
            self.active, self.first_out = True, self._raised[0][1]
            return True
        if self.active and self.rate < ENDS_UNDER:
            self.active, self.first_out = False, ""
            return False
        return None
