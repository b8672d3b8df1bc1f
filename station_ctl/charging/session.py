"""One charge from its begin to its end: which phase it is in, and what leads on. A small pure state machine."""

from __future__ import annotations

from dataclasses import replace

from station_ctl.charging.phases import POWERED, RUNNING, SUPPLIED, TABLE
from station_ctl.charging.session_rules import RULES
from station_ctl.charging.session_values import End, SessionLook, SessionMind


class Session:
    """The charge of one bay."""

    def __init__(self) -> None:
        self.mind = SessionMind()

    @property
    def phase(self) -> str:
        """See charging.phases."""
        return self.mind.phase

    @property
    def running(self) -> bool:
        """A charge is under way."""
        return self.mind.phase in RUNNING

    @property
    def supplied(self) -> bool:
        """The bay's supply may be closed."""
        return self.mind.phase in SUPPLIED

    def begin(self, now_s: float) -> None:
        """It is the bay's turn."""
        self.mind = SessionMind(TABLE.follow(self.mind.phase, "begin"), now_s)

    def cut(self, now_s: float) -> None:
        """Off at once, if a charge is under way."""
        if self.running:
            self._go("cut", now_s)

    def step(self, look: SessionLook) -> End | None:
        """One look at a charge under way; how it ended, if it does now."""
        if not look.room and look.finish is None and self.mind.phase != "handshake":
            look = replace(look, finish=End("no_grid", "the grid limit leaves nothing for this bay"))
        found = RULES[self.mind.phase](self.mind, look)
        if isinstance(found, str):
            if found:
                self._go(found, look.now_s)
            return None
        if self.mind.phase in {"closing", *POWERED} and not found.failed:
            self.mind.code, self.mind.reason = found.code, found.reason
            self._go("finish", look.now_s)
            return None
        self._go("ramped" if self.mind.phase == "ramping_down" else "cut", look.now_s)
        return found

    def _go(self, trigger: str, now_s: float) -> None:
        mind = self.mind
        mind.phase, mind.since_s, mind.dropped_s = TABLE.follow(mind.phase, trigger), now_s, None
