"""What is wanted of every charger of the station: each bay's wish, cut down to its share of the grid limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.charger_status import SetPoint
from drivers.reading import Signal
from station_ctl.charging import seen
from station_ctl.charging.cabinet import Cabinet
from station_ctl.charging.grid import Grid
from station_ctl.charging.share import Share
from station_ctl.config import Config
from station_ctl.model.look import Snapshot


class Dispatch:
    """Over the cabinets of all bays that have one, by bay."""

    def __init__(self, cabinets: Mapping[int, Cabinet], config: Config) -> None:
        self._cabinets, self._plc_age_s = cabinets, config.safety.plc_age_ms / 1000.0
        self._grid = Grid(config.grid)
        self._share = Share({number: cabinet.power.most_w for number, cabinet in cabinets.items()}, seen.FIXED_W)
        self.set_points: Mapping[int, SetPoint] = {}

    def decide(self, snapshot: Snapshot) -> Mapping[int, SetPoint]:
        """What is wanted of every charger now; the same mapping as long as nothing changes."""
        now_s = snapshot.now_s
        alive = {n: seen.charger(snapshot.chargers.get(n), now_s) for n in self._cabinets}
        shown = {n: seen.worst_draw_w(status) if status is not None else None for n, status in alive.items()}
        wishes = {n: wish for n, cabinet in self._cabinets.items() if (wish := cabinet.wish(snapshot)) is not None}
        budget_w = self._grid.budget_w(now_s, snapshot.grid, snapshot.chargers)
        granted = self._share.grant(now_s, budget_w, wishes, shown, self._gone(snapshot))
        found = {n: cabinet.want(snapshot, granted[n]) for n, cabinet in self._cabinets.items()}
        if found != self.set_points:
            self.set_points = found
        return self.set_points

    def _gone(self, snapshot: Snapshot) -> frozenset[int]:
        """Bays whose supply is measured open: nothing flows; a coolant unit is off with the charger's lease."""
        robot = snapshot.robot
        if robot is None or snapshot.now_s - robot.received_s > self._plc_age_s:
            return frozenset()
        return frozenset(n for n in self._cabinets if robot.bays[n - 1].energised is Signal.FALSE)

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values; the set points are the cabinets'."""
        return {"grid": self._grid.dump(), "share": self._share.dump()}

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this station gave."""
        if set(memory) != {"grid", "share"}:
            raise ValueError(f"memory of the grid: {sorted(memory)}")
        self._grid.load(memory["grid"])
        self._share.load(memory["share"])
        self.set_points = {}
