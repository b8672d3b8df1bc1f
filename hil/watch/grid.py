"""The watch over the connection point: what the plant draws, chargers and all, against the station's limit."""

from __future__ import annotations

from hil.plant.world import World
from hil.watch.findings import Findings
from station_ctl.config import Config


class GridWatch:
    """`tick` is to be called often, also while there is no controller."""

    def __init__(self, findings: Findings, world: World, config: Config) -> None:
        self._findings, self._world = findings, world
        limit_kw = config.grid.limit_kw
        self._limit_w = None if limit_kw is None else limit_kw * 1000.0

    def tick(self) -> None:
        """No more than the limit is drawn, by the plant's truth."""
        if self._limit_w is None:
            return
        drawn_w, limit_w = self._world.electrics.grid_w, self._limit_w
        self._findings.judge(
            "more is drawn than the grid limit",
            drawn_w <= limit_w,
            lambda: f"{drawn_w / 1000:.1f} kW of {limit_w / 1000:g} kW",
        )
