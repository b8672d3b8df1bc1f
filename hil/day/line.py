"""One charger as its driver sees it, without the wire: commands that come late, a status that may be old, silence."""

from __future__ import annotations

import random
from collections import deque
from typing import Final, NamedTuple

from drivers.charger_decode import decoded
from drivers.charger_status import OFF, ChargerMode, ChargerStatus, SetPoint
from drivers.register_points import Value
from hil.peers.charger_rules import ChargerProgram

LEASE_S, REARM_S = 1.0, 0.9
"""The longest that the map allows: what is told last holds so long when nothing more comes. The driver's is 0.4 s; a
longer one keeps power longer when a wire is cut, which is harder on the limit. Re-armed as long as nothing is cut."""
LATE_S: Final = (0.0, 0.1, 0.2, 0.3)
OLD, OLDEST_S = 0.2, 0.6
"""Chance that a status shows how it was one cycle ago, no longer than that (the driver forgets one after 0.5 s)."""


class _Sent(NamedTuple):
    at_s: float
    told: SetPoint


class Line:
    """To one charger. cut: nothing gets through in either direction."""

    def __init__(self, program: ChargerProgram, seed: int, number: int) -> None:
        self.program, self.cut = program, False
        self.plant = program.charger
        self._rng = random.Random(f"{seed} line {number}")
        self._sent: deque[_Sent] = deque()
        self._counter = 0
        self._told = self._taken = OFF
        self._armed_s = float("-inf")
        self._heartbeat: Value = None
        self._moved_s = float("-inf")
        self._seen: ChargerStatus | None = None
        self._where = f"charger {number}"

    @property
    def waiting(self) -> bool:
        """A command is under way."""
        return bool(self._sent)

    def want(self, told: SetPoint, now_s: float) -> None:
        """What is wanted of it; what has not changed extends the lease at once, a change may come late."""
        if self.cut:
            return
        self._keep(now_s)
        if told == self._told and not self._sent:
            self._obey(told, now_s)
            return
        late_s = self._rng.choice(LATE_S) if told != self._told else 0.0
        at_s = max(now_s + late_s, self._sent[-1].at_s if self._sent else now_s)
        self._sent.append(_Sent(at_s, told))
        self._told = told

    def scan(self, now_s: float) -> None:
        """What has come is taken; the program's cycle."""
        self._keep(now_s)
        while self._sent and self._sent[0].at_s <= now_s + 1e-6:
            self._obey(self._sent.popleft().told, now_s)
        self.program.scan(now_s)

    def _keep(self, now_s: float) -> None:
        """The lease as the driver has kept it up since the last look."""
        while not self.cut and self._taken.mode is not ChargerMode.OFF and now_s - self._armed_s >= REARM_S:
            self._obey(self._taken, self._armed_s + REARM_S)

    def _obey(self, told: SetPoint, at_s: float) -> None:
        """The charger takes a command that came then."""
        self._taken, self._armed_s, self._counter = told, at_s, (self._counter + 1) & 0xFFFF
        if self.plant.powered:
            self.program.obey(self._counter, 0.0 if told.mode is ChargerMode.OFF else LEASE_S, told, at_s)

    def status(self, now_s: float) -> ChargerStatus | None:
        """As it was polled last; None while nothing gets through."""
        if self.cut or self.program.mute or not self.plant.powered:
            self._seen = None
            return None
        points = self.program.points(now_s)
        if points["heartbeat"] != self._heartbeat:
            self._heartbeat, self._moved_s = points["heartbeat"], now_s
        before, self._seen = self._seen, decoded(points, now_s, self._moved_s, self._where)
        old = before is not None and now_s - before.received_s <= OLDEST_S and self._rng.random() < OLD
        return before if old else self._seen
