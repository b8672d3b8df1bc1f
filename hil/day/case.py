"""Which day: the station, its limit, the weather, what is fitted and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hil.day.loads import MOST_W, RISE_W
from station_ctl import config
from station_ctl.charging import plan as plans
from station_ctl.model.charge_plan import ChargePlan

PROMISED_PCT, TARGET_PCT = 90.0, 95.0
RESERVE_KW, STEP_KW = MOST_W / 1000.0 + 4.0, RISE_W / 1000.0 + 2.0
SLOT_S: Final = 900.0
MUCH_W, LITTLE_W = 240e3, 60e3
DEAR_H: Final = (16.0, 22.0)
"""Peak and critical peak of the price profile beside the swaps'."""


@dataclass(frozen=True, slots=True)
class Case:
    """One day. from_h, hours: the part of it that is played. limit_kw: the true grid limit.

    grid_meter: whether there is one for the controller; troubled: whether things fail; planned: whether a charge plan
    holds. stock_pct: charge of the packs there at the beginning; one bay is free.
    """

    name: str
    bays: int
    limit_kw: float
    seed: int = 1
    from_h: float = 0.0
    hours: float = 24.0
    ambient_c: float = 24.0
    grid_meter: bool = True
    troubled: bool = True
    planned: bool = False
    stock_pct: float = TARGET_PCT

    def station(self) -> config.Config:
        """The station's configuration, as a station.toml would give it."""
        numbers = range(1, self.bays + 1)
        grid: dict[str, Any] = {"limit_kw": self.limit_kw, "reserve_kw": RESERVE_KW, "step_kw": STEP_KW}
        document = {
            "station": {"id": "DAY"},
            "robot": {"host": "plc"},
            "can": [{"name": "packs"}],
            "bay": [_bay(n) for n in numbers],
            "mount": [{"number": n, "can_address": 0xA0 + n} for n in (1, 2, 3)],
            "swap": {"soc_promised_pct": PROMISED_PCT},
            "charging": {"target_soc_pct": TARGET_PCT, "bays_at_once": self.bays},
            "grid": grid | ({"meter": {"host": "grid"}} if self.grid_meter else {}),
        }
        return config.parse(document, self.name)

    def plan(self) -> ChargePlan | None:
        """Power changes hands between odd and even bays each quarter of an hour; in the dear hours there is little."""
        if not self.planned:
            return None
        times_h = [i * SLOT_S / 3600.0 for i in range(round(24 * 3600 / SLOT_S))]
        odd, even = (tuple(_planned_w(i, at_h, turn) for i, at_h in enumerate(times_h)) for turn in (0, 1))
        powers = {n: odd if n % 2 else even for n in range(1, self.bays + 1)}
        plan = ChargePlan("by turns", 0.0, SLOT_S, powers)
        return plans.parse(plans.text(plan), plan.start_s, range(1, self.bays + 1))


def _planned_w(slot: int, at_h: float, turn: int) -> float:
    if DEAR_H[0] <= at_h < DEAR_H[1]:
        return LITTLE_W if turn else 0.0
    return MUCH_W if slot % 2 == turn else LITTLE_W


def _bay(number: int) -> dict[str, Any]:
    devices = {"charger": {"host": "chargers", "unit": number}, "meter": {"host": "meters", "unit": number}}
    return {"number": number, "can_address": 0x80 + number, **devices}


DAYS: Final = (
    Case("16 bays, grid meter", 16, 1400.0),
    Case("16 bays, no grid meter, charge plan", 16, 1400.0, seed=2, grid_meter=False, planned=True),
    Case("8 bays, grid meter", 8, 900.0, seed=3),
    Case("24 bays, winter, no grid meter", 24, 1500.0, seed=4, ambient_c=2.0, grid_meter=False),
)
"""What `make day` plays; things fail in each of them."""
SHORT: Final = Case(
    "8 bays, morning peak, charge plan", 8, 900.0, seed=5, from_h=5.5, hours=2.5, planned=True, stock_pct=60.0
)
"""What CI plays: the morning peak."""
