"""Conditions of single packs and bays. Pure."""

from __future__ import annotations

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Reading, Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.alarms.places import identifier
from station_ctl.alarms.record import Condition
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place, bay
from station_ctl.model.state import StationState
from station_ctl.sections import BaySection
from station_ctl.swap import plan
from station_ctl.swap.quarantine import TAKEN_AWAY

INSULATION_WARNING_OHM_PER_V = 500.0
"""GB 18384: what a traction system without faults has at least; under 100 the pack is refused."""
WARM_C = 5.0
"""So much under the limit a pack counts as hot."""

_FLAGS = ("cell_voltage_fault", "overcurrent", "overtemperature", "insulation_fault", "connector_fault")


def measured(place: Place, snapshot: Snapshot, config: Config) -> dict[str, Condition]:
    """What the BMS at a place measures: also near a limit, so that a deadband has something to work on."""
    pack, now_s, age_s = snapshot.packs[place], snapshot.now_s, config.swap.pack_data_age_s
    found: dict[str, Condition] = {}
    if pack.link is PackLink.SILENT:
        return found
    for code, reading, limit, sign in _analogue(pack, config):
        value = reading.good(now_s, age_s)
        if value is not None and sign * (value - limit) > -_NEAR * limit:
            found[code] = Condition("", round(value, 1), limit, beyond=sign * (value - limit))
    if pack.thermal_event.good(now_s, age_s) is Signal.TRUE:
        found["pack.thermal_event"] = Condition(f"{_who(pack)}: the BMS tells a thermal event")
    if flags := [name for name in _FLAGS if getattr(pack, name).good(now_s, age_s) is Signal.TRUE]:
        found["pack.bms_fault"] = Condition(f"{_who(pack)}: {', '.join(flags)}".replace("_", " "))
    return {identifier(code, f"{place.kind}-{place.number}"): c for code, c in found.items()}


_NEAR = 0.2
"""Further from its limit than this share of it a value is of no interest to any deadband."""
_HIGH, _LOW = 1.0, -1.0


def _analogue(pack: PackStatus, config: Config) -> tuple[tuple[str, Reading[float], float, float], ...]:
    """Code, value, limit, and which side of it is bad."""
    safety, insulation = config.safety, pack.insulation_ohm_per_v
    return (
        ("pack.temperature", pack.temperature_max_c, safety.pack_temperature_c - WARM_C, _HIGH),
        ("pack.insulation_warning", insulation, INSULATION_WARNING_OHM_PER_V, _LOW),
        ("pack.insulation_low", insulation, safety.insulation_ohm_per_v, _LOW),
    )


def in_bay(
    section: BaySection, robot: RobotStatus, state: StationState, snapshot: Snapshot, decision: Decision
) -> dict[str, Condition]:
    """What is wrong with a bay and what stands in it."""
    label, pack = f"bay-{section.number}", snapshot.packs[bay(section.number)]
    found: dict[str, Condition] = {}
    charge = decision.charging.get(section.number)
    if charge is not None and charge.code == "tripped":
        found[identifier("charge.tripped", label)] = Condition(charge.reason)
    if charge is not None and charge.trouble:
        found[identifier("charger.trouble", label)] = Condition(charge.trouble)
    if robot.bays[section.number - 1].occupied is not Signal.TRUE:
        return found
    if section.isolation:
        found[identifier("isolation.occupied", label)] = Condition()
    who = plan.serial(pack)
    if pack.link is PackLink.SILENT:
        found[identifier("pack.silent", label)] = Condition()
    elif who is None or pack.link is not PackLink.MONITORED:
        found[identifier("pack.not_monitored", label)] = Condition(f"BMS {pack.link.name.lower()}")
    estimate = snapshot.estimates.get(who or "")
    if estimate is not None and estimate.bms_wrong:
        text = f"{who}: BMS {pack.soc_pct.value} %, estimated {estimate.charge.soc_pct:g} %"
        found[identifier("pack.charge_doubted", label)] = Condition(text)
    name = next((n for n in (who, str(bay(section.number))) if n in state.quarantined), None)
    if name is not None:
        found[identifier("pack.quarantined", label)] = Condition(f"{name}: {state.quarantined[name]}")
    return found


def taken_away(state: StationState) -> dict[str, Condition]:
    """Nameless packs in quarantine that people carried away: the first of them."""
    away = sorted(name for name in state.quarantined if name.startswith(TAKEN_AWAY))
    return {"pack.taken_away": Condition(f"{away[0]}: {state.quarantined[away[0]]}")} if away else {}


def _who(pack: PackStatus) -> str:
    return plan.serial(pack) or "a pack that does not tell its serial"
