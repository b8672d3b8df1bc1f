"""What the station draws beside its chargers, and what of the grid limit is left for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from drivers.charger_status import ChargerStatus
from drivers.meter_status import MeterStatus
from station_ctl.charging import seen
from station_ctl.sections import GridSection

STRETCH_S, STRETCHES = 0.5, 4
"""A reading of the grid meter shows what the chargers have drawn in one of so many stretches, nobody knows which."""
FALL_W_S = 1000.0
"""What the other loads are held to have fallen in a second: a robot that pauses will move again."""


@dataclass(slots=True)
class GridMind:
    """What is remembered.

    load_w: the other loads at most, None while not known; held_w: at least, falling slowly; read_s: of the reading that
    says so. lows_w, highs_w: the least and the most that all chargers together have drawn, by stretch, the last one
    under way since turned_s.
    """

    load_w: float | None = None
    held_w: float = 0.0
    read_s: float = 0.0
    lows_w: tuple[float, ...] = ()
    highs_w: tuple[float, ...] = ()
    turned_s: float = 0.0


class Grid:
    """The connection point. section: its limit, and what is kept for the other loads."""

    def __init__(self, section: GridSection) -> None:
        self._section = section
        self.mind = GridMind()

    def budget_w(self, now_s: float, metered: MeterStatus | None, chargers: Mapping[int, ChargerStatus]) -> float:
        """What the chargers may draw together, in W; not below 0.

        Without a fresh reading of the grid meter the reserve is kept for everything else. With one: what is measured,
        less the least the chargers can have drawn then, and as much again as these loads may rise by within seconds
        (`grid.step_kw`, but no more than the reserve in all unless more is measured).
        """
        reserve_w, step_w = self._section.reserve_kw * 1000.0, self._section.step_kw * 1000.0
        self._drawn(now_s, chargers)
        load_w = self._load(now_s, metered)
        kept_w = reserve_w if load_w is None else max(load_w, min(load_w + step_w, reserve_w))
        return max((self._section.limit_kw or 0.0) * 1000.0 - kept_w, 0.0)

    def _drawn(self, now_s: float, chargers: Mapping[int, ChargerStatus]) -> None:
        """What all chargers draw together; one that is not heard may draw nothing."""
        mind = self.mind
        alive = [seen.charger(status, now_s) for status in chargers.values()]
        drawn_w = float(sum(status.input_power_w or 0.0 for status in alive if status is not None))
        if not mind.lows_w or now_s - mind.turned_s >= STRETCH_S:
            mind.turned_s = now_s
            mind.lows_w = (*mind.lows_w[1 - STRETCHES :], drawn_w)
            mind.highs_w = (*mind.highs_w[1 - STRETCHES :], drawn_w)
        mind.lows_w = (*mind.lows_w[:-1], min(mind.lows_w[-1], drawn_w))
        mind.highs_w = (*mind.highs_w[:-1], max(mind.highs_w[-1], drawn_w))

    def _load(self, now_s: float, metered: MeterStatus | None) -> float | None:
        """The other loads at most, by the last reading of the meter; None while it is not known.

        A ramp of the chargers makes them uncertain as long as it lasts; what is certain is held for a while.
        """
        mind, alive = self.mind, seen.meter(metered, now_s)
        total_w = alive.power_w.good(now_s, seen.METERED_S) if alive is not None else None
        if alive is None or total_w is None:
            mind.load_w = None
        elif mind.load_w is None or alive.received_s > mind.read_s:
            gone_s = alive.received_s - mind.read_s if mind.load_w is not None else math.inf
            mind.held_w = max(total_w - max(mind.highs_w), mind.held_w - FALL_W_S * gone_s, 0.0)
            mind.load_w = max(total_w - min(mind.lows_w), mind.held_w)
            mind.read_s = alive.received_s
        return mind.load_w

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values."""
        return asdict(self.mind)

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        if set(memory) != {field.name for field in fields(GridMind)}:
            raise ValueError(f"memory of the grid: {sorted(memory)}")
        series = {name: tuple(memory[name]) for name in ("lows_w", "highs_w")}
        self.mind = GridMind(**{**memory, **series})
