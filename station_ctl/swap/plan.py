"""What stands where and who it is, whether a pack is fit to be handed out, which bays are free and which ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model.charge_estimate import ChargeEstimate
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay
from station_ctl.model.state import StationState
from station_ctl.safety.from_plc import occupied
from station_ctl.thermal.look import bare

_FAULTS = ("thermal_event", "insulation_fault", "connector_fault", "overtemperature", "overcurrent")


THERMAL = "thermal event: "
"""How the reason of a quarantine begins that is for a thermal event; such a pack is never accepted back by itself."""


def hot_name(quarantined: Mapping[str, str], name: str | None) -> bool:
    """True if a serial (or a place, while its pack is nameless) is quarantined for a thermal event."""
    return name is not None and quarantined.get(name, "").startswith(THERMAL)


def standing(robot: RobotStatus, place: Place) -> Signal:
    """The seat or bay sensor of a place."""
    return occupied(robot, place.code)


def unopened(robot: RobotStatus, number: int) -> bool:
    """True if a mount of the truck is measured locked and mated: its pack was not touched."""
    mount = robot.mounts[number - 1]
    return (mount.locked, mount.unlocked, mount.mated) == (Signal.TRUE, Signal.FALSE, Signal.TRUE)


def fault(pack: PackStatus, config: Config, now_s: float) -> str:
    """What is wrong with a monitored pack, '' if nothing is. Untrusted, missing and stale data are wrong too."""
    age_s = config.swap.pack_data_age_s
    for name in _FAULTS:
        if (signal := getattr(pack, name).good(now_s, age_s)) is not Signal.FALSE:
            return f"{name} is {signal.name.lower() if signal is not None else 'not known'}"
    if pack.cell_voltage_fault.good(now_s, age_s) is not Signal.FALSE:
        return "cell voltage out of range or not known"
    temperature_c = pack.temperature_max_c.good(now_s, age_s)
    if temperature_c is None or temperature_c > config.safety.pack_temperature_c:
        return f"temperature {temperature_c} degC, at most {config.safety.pack_temperature_c:g}"
    insulation = pack.insulation_ohm_per_v.good(now_s, age_s)
    if insulation is None or insulation < config.safety.insulation_ohm_per_v:
        return f"insulation {insulation} ohm/V, at least {config.safety.insulation_ohm_per_v:g}"
    return ""


def serial(pack: PackStatus) -> str | None:
    """The pack's serial, None while its BMS has not told it or two packs claim the address."""
    identity = pack.identity.good(pack.identity.received_s, 0.0)
    return identity.serial if identity and pack.link >= PackLink.IDENTIFIED else None


def identified(pack: PackStatus) -> bool:
    """True if the pack has told what a record needs of it: serial and charge."""
    return serial(pack) is not None and pack.soc_pct.value is not None


def readiness(number: int, state: StationState, snapshot: Snapshot, config: Config, promised_pct: float) -> str:
    """Why the pack in a bay cannot be handed out, '' if it can."""
    pack = snapshot.pack(bay(number))
    name = serial(pack)
    if name is None or pack.link is not PackLink.MONITORED:
        return f"BMS {pack.link.name.lower()}"
    if snapshot.robot is None or not _no_smoke(snapshot.robot, number):
        return "smoke in the bay, or its detector is not known good"
    charge = state.charging.get(number)
    if charge is not None and charge.live:
        return f"its supply cannot be switched off: {charge.reason}"
    for key in (name, str(bay(number))):  # by place as long as its serial was not known
        if key in state.quarantined:
            return f"quarantined: {state.quarantined[key]}"
    if wrong := fault(pack, config, snapshot.now_s):
        return wrong
    soc_pct = pack.soc_pct.good(snapshot.now_s, config.swap.pack_data_age_s)
    if soc_pct is None or soc_pct < promised_pct:
        return f"charge {soc_pct} %, promised {promised_pct:g} %"
    return _known_better(snapshot.estimates.get(name), soc_pct, config, promised_pct)


def _known_better(estimate: ChargeEstimate | None, soc_pct: float, config: Config, promised_pct: float) -> str:
    """Why the BMS's word on the charge is not taken, '' if it is: the estimator only ever refuses."""
    if estimate is None:
        return ""
    charge = estimate.charge
    if estimate.bms_wrong:
        interval = f"{charge.soc_p05_pct:g} to {charge.soc_p95_pct:g} %"
        return f"the BMS's charge {soc_pct:g} % cannot be right: estimated {charge.soc_pct:g} % ({interval})"
    if estimate.least_pct is not None and estimate.least_pct < promised_pct:
        sure = f"{estimate.least_pct:g} % with {config.swap.soc_confidence_pct:g} % confidence"
        return f"estimated charge {charge.soc_pct:g} %, {sure}, promised {promised_pct:g} % (BMS {soc_pct:g} %)"
    return ""


def _occupancy(robot: RobotStatus, number: int) -> Signal:
    return robot.bays[number - 1].occupied


def _no_smoke(robot: RobotStatus, number: int) -> bool:
    return robot.bays[number - 1].smoke_clear is Signal.TRUE


def vacant(place: Place, state: StationState, robot: RobotStatus, thermal: Collection[Place]) -> bool:
    """True if no switch of a bay sees a pack and nothing says that one with an event, or in quarantine, stands there.

    thermal: places with a thermal event (Decision.thermal).
    """
    return bare(place, robot) and str(place) not in state.quarantined and place not in thermal


def free_bays(state: StationState, snapshot: Snapshot, config: Config, thermal: Collection[Place]) -> list[int]:
    """Ordinary bays that are vacant and without smoke."""
    robot = snapshot.robot
    if robot is None:
        return []
    ordinary = [b.number for b in config.bay if not b.isolation]
    return [n for n in ordinary if vacant(bay(n), state, robot, thermal) and _no_smoke(robot, n)]


def ready_bays(state: StationState, snapshot: Snapshot, config: Config, promised_pct: float) -> list[int]:
    """Bays whose pack can be handed out, the highest charge first; a pack that is not heard yet is none of them."""
    robot = snapshot.robot
    if robot is None:
        return []
    numbers = [
        b.number
        for b in config.bay
        if not b.isolation
        and _occupancy(robot, b.number) is Signal.TRUE
        and not readiness(b.number, state, snapshot, config, promised_pct)
    ]
    return sorted(numbers, key=lambda n: -(snapshot.pack(bay(n)).soc_pct.value or 0.0))
