"""What a bay would draw from the grid in each phase of a charge, and what its charger is asked for with its share."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.charger_status import OFF, ChargerMode, SetPoint
from drivers.pack_status import PackStatus
from station_ctl.charging import plan, seen, set_point
from station_ctl.charging.fill import Wish
from station_ctl.charging.pack_limits import AGE_S, PackLimits
from station_ctl.charging.phases import POWERED, RUNNING
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.sections import ChargingSection

LEAST_NEED_KWH = 40.0
"""No need counts less: packs that are nearly full share alike."""
MOST_NEED_KWH = 200.0
"""Of a pack that does not tell what it needs: it waits for those that do."""


@dataclass(slots=True)
class Power:
    """Of one bay. most_w: what its charger draws from the grid at most.

    found: what the pack could take, of the snapshot and the phase it was asked for last: a wish and a want of one cycle
    are about the same.
    """

    place: Place
    most_w: float
    limits: PackLimits
    config: ChargingSection
    found: tuple[Snapshot, str, set_point.Most] | None = field(default=None, init=False, repr=False, compare=False)

    def most(self, snapshot: Snapshot, phase: str) -> set_point.Most:
        """What the pack could take now, whatever the grid gives."""
        if self.found is None or self.found[0] is not snapshot or self.found[1] != phase:
            self.found = snapshot, phase, self._most(snapshot, phase)
        return self.found[2]

    def _most(self, snapshot: Snapshot, phase: str) -> set_point.Most:
        number, now_s, pack = self.place.number, snapshot.now_s, snapshot.packs[self.place]
        status = seen.charger(snapshot.chargers.get(number), now_s)
        found = set_point.most(pack, self.limits, status, plan.power_w(snapshot.plan, number, now_s), now_s)
        if phase == "balancing" and pack.identity.value is not None:
            return found.at_most(self.config.cut_off_c * pack.identity.value.rated_capacity_ah)
        return found

    def wish(self, snapshot: Snapshot, phase: str) -> Wish | None:
        """What the bay would draw; None: nothing, it is off.

        The pack that can be ready first is needed first: its weight is the inverse square of the energy that it still
        needs, so packs become ready one after the other.
        A charger that is on takes something at 0 A, too; the handshake waits until there is room for that.
        """
        if phase not in RUNNING:
            return None
        output_w = 0.0
        if phase == "warming":
            output_w = self.config.warming_kw * 1000.0
        elif phase in POWERED:
            output_w = self.most(snapshot, phase).power_w
        need_kwh = self._need_kwh(snapshot.packs[self.place], snapshot.now_s)
        return Wish(min(seen.grid_w(output_w), self.most_w), need_kwh**-2.0)

    def _need_kwh(self, pack: PackStatus, now_s: float) -> float:
        soc_pct, whole_kwh = pack.soc_pct.good(now_s, AGE_S), pack.energy_nominal_kwh.value
        if soc_pct is None or whole_kwh is None:
            return MOST_NEED_KWH
        return max((self.config.target_soc_pct - soc_pct) / 100.0 * whole_kwh, LEAST_NEED_KWH)

    def want(self, snapshot: Snapshot, phase: str, granted_w: float) -> tuple[SetPoint, str]:
        """What is wanted of the charger with this share of the grid; who sets the current, '' if there is none."""
        if phase in POWERED:
            found, by = set_point.charge(self.most(snapshot, phase), granted_w)
            return found, by if found.current_a > 0.0 else ""
        if phase in ("closing", "ramping_down"):
            return set_point.idle(self.most(snapshot, phase).voltage_v), ""
        if phase == "insulation_test":
            return SetPoint(ChargerMode.INSULATION_TEST), ""
        return (set_point.warm(seen.output_w(granted_w)) if phase == "warming" else OFF), ""
