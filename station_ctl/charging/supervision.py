"""Whether a bay's charger and meter do what they should: inputs of the bay's interlock. Remembers how long what stands.

Everything here is judged on what was read last; that nothing is read any more is `charger_alive` and `meter_alive`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.charger_status import OFF, ChargerFault, ChargerMode, ChargerState, ChargerStatus, SetPoint
from drivers.meter_status import MeterStatus
from drivers.reading import Signal
from station_ctl.charging import seen
from station_ctl.charging.meter_check import MeterCheck

OVER_A, OVER_SHARE = 5.0, 0.02
"""More than the set point by more than both: it is not obeyed."""
OVER_S, METERED_OVER_S = 1.0, 3.0
"""... for so long, by the charger's own word, or by the meter's."""
FALL_A_S = 100.0
"""A set point that was lowered counts as falling so fast: half of what a charger can (200 A/s), for the way there."""
UNDER_FROM_A, UNDER_SHARE, UNDER_S = 20.0, 0.5, 30.0
"""More is wanted, and less than this share of it comes, for so long, below the voltage limit: nothing is delivered."""
OFF_A = 5.0
OFF_S, METERED_OFF_S = 1.0, 3.0
"""More than OFF_A so long after OFF was wanted: the output stays. A lost OFF is the end of its lease, 0.5 s later."""
DIFFER_A, DIFFER_SHARE, DIFFER_S = 5.0, 0.03, 15.0
"""Two currents that differ for longer than a ramp lasts: one of the two is wrong."""
PACK_DIFFER_A, PACK_DIFFER_SHARE = 10.0, 0.05
"""The same for the BMS's current, whose sensor is poorer; or the charger is another bay's."""

INPUTS = {
    "insulation_test_passed": "the charger has measured low insulation",
    "output_ends": "current flows although the charger was switched off",
    "relay_opens": "the charger's relay does not open",
    "set_point_obeyed": "the charger gives more than its set point",
    "charger_alive": "the charger does not answer, or its heartbeat stands still",
    "charger_sound": "the charger is at fault, or does not tell what it does",
    "charge_delivered": "the charger gives much less than it is asked for",
    "meter_alive": "the meter does not answer, or its counter stands still",
    "meter_counts": "the meter's register does not go on with its own power",
    "sources_agree": "charger, meter and pack measure different currents",
}
"""What is judged, as charging.toml names it, and what is wrong, for a person, where it is not TRUE; the worst first."""
Findings = Mapping[str, Signal]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is judged in one look. status, metered: as read last, None if never; wanted: since the look before.

    has_meter: the bay has one. insulation_ohm_per_v: at least. pack_a: by the BMS, None if not known.
    """

    now_s: float
    status: ChargerStatus | None
    metered: MeterStatus | None
    wanted: SetPoint = OFF
    has_meter: bool = True
    insulation_ohm_per_v: float = 100.0
    pack_a: float | None = None


@dataclass(slots=True)
class SupervisionMind:
    """since_s: since when what is odd stands, by name. allowed_a: the set point, falling no faster than FALL_A_S."""

    since_s: dict[str, float] = field(default_factory=dict)
    allowed_a: float = 0.0
    looked_s: float | None = None


class Supervision:
    """Watches one bay's charger and meter."""

    def __init__(self) -> None:
        self.mind = SupervisionMind()
        self.check = MeterCheck()

    def look(self, w: Watched) -> Findings:
        """All of INPUTS; TRUE is good."""
        self._allow(w)
        charging = w.wanted.mode is ChargerMode.CHARGE
        if not charging:
            self.check.begin()
        wrong = self.check.look(w.metered, w.now_s) if charging and w.has_meter else ""
        good = {
            "insulation_test_passed": _insulated(w),
            "charger_alive": seen.charger(w.status, w.now_s) is not None,
            "charger_sound": _sound(w.status),
            "set_point_obeyed": self._obeyed(w),
            "output_ends": self._ends(w),
            "relay_opens": self._opens(w),
            "charge_delivered": self._lasts("under", _under(w), w.now_s) <= UNDER_S,
            "meter_alive": not w.has_meter or seen.meter(w.metered, w.now_s) is not None,
            "meter_counts": not wrong,
            "sources_agree": self._agree(w),
        }
        return {name: Signal.TRUE if good[name] else Signal.FALSE for name in INPUTS}

    def _agree(self, w: Watched) -> bool:
        meter_s = self._lasts("differ", _differ(w), w.now_s)
        pack_s = self._lasts("pack differs", _pack_differs(w), w.now_s)
        return max(meter_s, pack_s) <= DIFFER_S

    def _lasts(self, name: str, odd: bool, now_s: float) -> float:
        """For how long it has been odd, 0 if it is not."""
        if not odd:
            self.mind.since_s.pop(name, None)
            return 0.0
        return now_s - self.mind.since_s.setdefault(name, now_s)

    def _allow(self, w: Watched) -> None:
        mind, wanted_a = self.mind, w.wanted.current_a if w.wanted.mode is ChargerMode.CHARGE else 0.0
        gone_s = w.now_s - mind.looked_s if mind.looked_s is not None else 0.0
        mind.allowed_a, mind.looked_s = max(wanted_a, mind.allowed_a - FALL_A_S * gone_s), w.now_s
        self._lasts("off", w.wanted.mode is not ChargerMode.CHARGE, w.now_s)

    def _obeyed(self, w: Watched) -> bool:
        most_a = self.mind.allowed_a * (1.0 + OVER_SHARE) + OVER_A
        charger_a, meter_a = seen.charger_current_a(w.status, w.now_s), seen.meter_current_a(w.metered, w.now_s)
        over_s = self._lasts("over", (charger_a or 0.0) > most_a, w.now_s)
        metered_s = self._lasts("over by the meter", (meter_a or 0.0) > most_a, w.now_s)
        return over_s <= OVER_S and metered_s <= METERED_OVER_S

    def _ends(self, w: Watched) -> bool:
        """Only readings of after the end count, and of as much later as an end takes."""
        since_s = self.mind.since_s.get("off")
        if since_s is None:
            return True
        by_charger = w.status is not None and w.status.received_s - since_s > OFF_S
        by_meter = w.metered is not None and w.metered.received_s - since_s > METERED_OFF_S
        charger_a = seen.charger_current_a(w.status, w.now_s) if by_charger else None
        meter_a = seen.meter_current_a(w.metered, w.now_s) if by_meter else None
        return max(abs(charger_a or 0.0), abs(meter_a or 0.0)) <= OFF_A

    def _opens(self, w: Watched) -> bool:
        """The relay is open once OFF has had its time; a contact in doubt may be closed."""
        since_s, status = self.mind.since_s.get("off"), w.status
        if since_s is None or status is None or status.received_s - since_s <= OFF_S:
            return True
        return status.relay_closed not in (Signal.TRUE, Signal.UNTRUSTED)


def _insulated(w: Watched) -> bool:
    """False once a test has failed, by the charger's word or by the value it measured."""
    status = w.status
    if status is None:
        return True
    low = status.insulation_tested is Signal.TRUE and (status.insulation_ohm_per_v or 0.0) < w.insulation_ohm_per_v
    return status.fault_code != ChargerFault.INSULATION and not low


def _sound(status: ChargerStatus | None) -> bool:
    """No fault, and it tells what it does."""
    if status is None:
        return True
    told = None not in (status.state, status.output_current_a, status.output_voltage_v, status.input_power_w)
    return told and status.state is not ChargerState.FAULT and status.fault_code == ChargerFault.NONE


def _under(w: Watched) -> bool:
    """Much less comes than is wanted, not held back by the voltage limit; or the charger can nothing."""
    wanted, status = w.wanted, seen.charger(w.status, w.now_s)
    if wanted.mode is not ChargerMode.CHARGE or status is None:
        return False
    if status.current_max_a is not None and status.current_max_a < OFF_A:
        return True
    if wanted.current_a <= UNDER_FROM_A:
        return False
    at_limit = status.output_voltage_v is not None and status.output_voltage_v >= 0.99 * wanted.voltage_v
    return not at_limit and (status.output_current_a or 0.0) < UNDER_SHARE * wanted.current_a


def _differ(w: Watched) -> bool:
    charger_a, meter_a = seen.charger_current_a(w.status, w.now_s), seen.meter_current_a(w.metered, w.now_s)
    if charger_a is None or meter_a is None:
        return False
    return abs(charger_a - meter_a) > DIFFER_A + DIFFER_SHARE * max(abs(charger_a), abs(meter_a))


def _pack_differs(w: Watched) -> bool:
    """While its charger is asked to charge, the pack has to see what flows."""
    charger_a = seen.charger_current_a(w.status, w.now_s)
    if w.wanted.mode is not ChargerMode.CHARGE or charger_a is None or w.pack_a is None:
        return False
    return abs(charger_a - w.pack_a) > PACK_DIFFER_A + PACK_DIFFER_SHARE * max(abs(charger_a), abs(w.pack_a))
