"""Where everything in the plant really is, as plain values for a harness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from hil.plant.electrics import Electrics
from hil.plant.lane import Lane
from hil.plant.ledger import Ledger
from hil.plant.pack import Pack
from hil.plant.places import Place
from hil.plant.robot import GantryRobot
from hil.plant.supplies import Supplies


class Whole(Protocol):
    """What the truth is told of."""

    bays: dict[int, Place]
    lane: Lane
    robot: GantryRobot
    ledger: Ledger
    supplies: Supplies
    electrics: Electrics
    clock_s: float

    def packs(self) -> list[Pack]:
        """Every pack here."""


def truth(whole: Whole) -> dict[str, Any]:
    """All of it."""
    bays, mounts, packs = whole.bays, whole.lane.mounts, whole.packs()
    return {
        "clock_s": round(whole.clock_s, 3),
        "bays": {n: _serial(p.pack) for n, p in bays.items()},
        "bays_locked": {n: p.lock.made for n, p in bays.items()},
        "mounts": {n: _serial(p.pack) for n, p in mounts.items()},
        "mounts_locked": {n: p.lock.made for n, p in mounts.items()},
        "mounts_mated": {n: p.mated for n, p in mounts.items()},
        "gripper": _serial(whole.robot.pack),
        "robot": _robot(whole.robot),
        **_lane(whole.lane),
        "packs": {p.serial: round(p.soc_pct, 1) for p in packs},
        "runaways": {p.serial: _runaway(p) for p in packs if p.runaway is not None},
        **whole.supplies.truth(),
        **whole.electrics.truth(),
        **whole.ledger.as_dict(),
    }


def _robot(robot: GantryRobot) -> Mapping[str, Any]:
    return {
        "x_mm": round(robot.x.position_mm, 1),
        "y_mm": round(robot.y.position_mm, 1),
        "z_mm": round(robot.z.position_mm, 1),
        "load_kg": round(robot.load_kg, 1),
        "sway_mm": round(robot.sway.amplitude_mm, 1),
        "moving": not robot.still,
        "active": robot.active,
    }


def _lane(lane: Lane) -> Mapping[str, Any]:
    truck = lane.truck if lane.mounts else None
    moved_mm = round(lane.rolling.moved_mm, 1)
    departed = [{"vin": t.vin, "packs": {n: p.serial for n, p in sorted(t.packs.items())}} for t in lane.departed]
    return {
        "truck": {"vin": truck.vin if truck else None, "driving": lane.driving.value, "moved_mm": moved_mm},
        "departed": departed,
    }


def _runaway(pack: Pack) -> Mapping[str, Any]:
    runaway = pack.runaway
    return {} if runaway is None else {"phase": runaway.phase.name, "cell_c": round(runaway.cell_c)}


def _serial(pack: Pack | None) -> str | None:
    return pack.serial if pack is not None else None
