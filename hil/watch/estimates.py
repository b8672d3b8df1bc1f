"""The watch over estimated charges: figures that can be, and no pack far outside of what is said of it."""

from __future__ import annotations

from hil.plant.world import World
from hil.watch.findings import Findings
from station_ctl.model.charge_estimate import ChargeEstimate
from station_ctl.model.look import Snapshot

SET_PCT = 1.0
"""No pack gains so much between two cycles: the bench has set its charge, and what was estimated is of another one."""
FAR_PCT = 10.0
"""Intervals miss now and then, and a pack at rest at the foot of the knee is told wrong (docs/soc.md): farther is a
defect of the feeding, as a current of another bay or a pack taken for another."""


class EstimateWatch:
    """`cycle` is to be called with what each cycle of the controller reads."""

    def __init__(self, findings: Findings, world: World) -> None:
        self._findings, self._world = findings, world
        self._last_pct: dict[str, float] = {}
        self._set: set[str] = set()

    def cycle(self, snapshot: Snapshot) -> None:
        """Every estimate of the cycle, against itself and against the plant."""
        if not snapshot.estimates:
            return
        true_pct = {pack.serial: pack.soc_pct for pack in self._world.packs()}
        self._note(true_pct)
        for serial, told in snapshot.estimates.items():
            self._possible(serial, told)
            if serial in true_pct and serial not in self._set:
                self._near(serial, told, true_pct[serial])

    def _note(self, true_pct: dict[str, float]) -> None:
        for serial, now_pct in true_pct.items():
            if abs(now_pct - self._last_pct.get(serial, now_pct)) > SET_PCT:
                self._set.add(serial)
        self._last_pct.update(true_pct)

    def _possible(self, serial: str, told: ChargeEstimate) -> None:
        self._findings.judge("an estimate cannot be", _can_be(told), lambda: f"{serial}: {told}")

    def _near(self, serial: str, told: ChargeEstimate, true_pct: float) -> None:
        low, high = told.charge.soc_p05_pct - FAR_PCT, told.charge.soc_p95_pct + FAR_PCT
        self._findings.judge(
            "a charge is far outside of its estimate",
            low <= true_pct <= high,
            lambda: f"{serial} has {true_pct:.1f} %, told {told.charge}",
        )


def _can_be(told: ChargeEstimate) -> bool:
    charge = told.charge
    rising = 0.0 <= charge.soc_p05_pct <= charge.soc_pct <= charge.soc_p95_pct <= 105.0
    return rising and 0.0 <= told.p_promised_pct <= 100.0 and told.capacity_ah > 0.0 and told.energy_kwh >= 0.0
