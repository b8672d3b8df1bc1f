"""Which packs go where: choice of charged packs and free bays, and whether a pack is fit to be handed out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Signal
from drivers.robot_protocol import RobotStatus
from station_ctl.config import Config
from station_ctl.model import Exchange, Place, Reason, Snapshot, StationState, bay, mount
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
    pack = snapshot.packs[bay(number)]
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
    """Bays whose pack can be handed out, the highest charge first."""
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
    return sorted(numbers, key=lambda n: -(snapshot.packs[bay(n)].soc_pct.value or 0.0))


def make(
    mounts: Iterable[int],
    state: StationState,
    snapshot: Snapshot,
    config: Config,
    promised_pct: float,
    thermal: Collection[Place],
) -> tuple[Exchange, ...] | Reason:
    """A plan for the mounts in turn, or the reason why there is none yet.

    A bay emptied by one exchange takes the discharged pack of the next, so one free bay is enough.
    """
    wanted = list(mounts)
    ready = ready_bays(state, snapshot, config, promised_pct)
    if len(ready) < len(wanted):
        return Reason("no_charged_pack", f"{len(ready)} of {len(wanted)} packs at {promised_pct:g} % or more are ready")
    nameless = [n for n in wanted if serial(snapshot.packs[mount(n)]) is None]
    if nameless:
        return Reason("pack_identity", f"the pack at mount {nameless[0]} has gone silent")
    free = free_bays(state, snapshot, config, thermal)
    if not free:
        return Reason("no_free_bay", "no bay is free for a discharged pack")
    exchanges = []
    for number, bay_out in zip(wanted, ready, strict=False):
        bay_in = min(free, key=lambda n: (abs(n - bay_out), n))  # the shortest empty run between the two
        free.remove(bay_in)
        free.append(bay_out)
        exchanges.append(_exchange(number, bay_in, bay_out, snapshot))
    return tuple(exchanges)


def _exchange(number: int, bay_in: int, bay_out: int, snapshot: Snapshot) -> Exchange:
    old, new = snapshot.packs[mount(number)], snapshot.packs[bay(bay_out)]
    return Exchange(
        mount=number,
        serial_out=serial(old) or "",
        soc_out_pct=old.soc_pct.value,
        bay_in=bay_in,
        bay_out=bay_out,
        serial_in=serial(new) or "",
        soc_in_pct=new.soc_pct.value or 0.0,
    )


def place_again(
    exchange: Exchange, state: StationState, snapshot: Snapshot, config: Config, thermal: Collection[Place]
) -> Exchange | Reason:
    """The exchange with a bay for the discharged pack that is free now: the planned one if it still is."""
    free = free_bays(state, snapshot, config, thermal)
    if exchange.bay_in in free:
        return exchange
    if not free:
        return Reason("no_free_bay", f"bay {exchange.bay_in} is no longer free and no other is")
    return replace(exchange, bay_in=min(free, key=lambda n: (abs(n - exchange.bay_out), n)))


def choose_again(exchange: Exchange, state: StationState, snapshot: Snapshot, config: Config) -> Exchange | Reason:
    """The exchange with a pack that is ready now: the planned one if it still is, else the best other one.

    A pack that is fetched back for its own truck (back out) is not judged by its charge; after a thermal event it is
    not fetched at all.
    """
    pack = snapshot.packs[bay(exchange.bay_out)]
    if exchange.serial_in == exchange.serial_out and not hot_name(state.quarantined, exchange.serial_out):
        return exchange
    swap = state.swap
    promised = swap.soc_promised_pct if swap else config.swap.soc_promised_pct
    planned = {e.bay_out for e in swap.exchanges[swap.index + 1 :]} if swap else set()
    if serial(pack) == exchange.serial_in and not readiness(exchange.bay_out, state, snapshot, config, promised):
        return exchange
    for number in ready_bays(state, snapshot, config, promised):
        if number not in planned:
            other = snapshot.packs[bay(number)]
            return replace(
                exchange, bay_out=number, serial_in=serial(other) or "", soc_in_pct=other.soc_pct.value or 0.0
            )
    return Reason("no_charged_pack", f"bay {exchange.bay_out} is no longer ready and no other pack is")
