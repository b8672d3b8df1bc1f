"""The whole plant, in one synchronous piece: robot, bays, lane, packs, and the safety inputs around them."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, EchoResult, RobotCommand, RobotMode
from hil.plant.lane import Driving, Lane, Parking
from hil.plant.ledger import Ledger, Visit
from hil.plant.pack import Pack
from hil.plant.places import Place, bay
from hil.plant.robot import SEATED_MM, GantryRobot
from hil.plant.truck import Truck
from hil.plant.verbs import plan

LOAD_LIMIT_KG = 3500.0


@dataclass(slots=True)
class Inputs:
    """The safety inputs of the cell, as their sensors report them, and the key switch."""

    estop_released: Signal = Signal.TRUE
    zone_clear: Signal = Signal.TRUE
    doors_closed: Signal = Signal.TRUE
    fire_clear: Signal = Signal.TRUE
    platform_clear: Signal = Signal.TRUE
    local_enable: Signal = Signal.FALSE
    mode: RobotMode = RobotMode.PRODUCTION
    smoke_clear: dict[int, Signal] = field(default_factory=dict)  # by bay; not named: TRUE
    overrides: dict[str, Signal] = field(default_factory=dict)  # broken sensors: 'mount.1.locked', 'truck_present'


class World:
    """Plant physics. `speed` scales the plant's motion only: one second of `advance` is `speed` seconds of plant.

    bays and mounts give the source address each place's connector codes, by number; isolation names the bays that
    are the isolation area. All that is random comes from `seed`.
    """

    def __init__(
        self,
        *,
        bays: Mapping[int, int],
        mounts: Mapping[int, int],
        isolation: Collection[int] = (),
        seed: int = 1,
        speed: float = 1.0,
    ) -> None:
        self.speed = speed
        self.inputs = Inputs()
        self.ledger = Ledger()
        self.clock_s = 0.0
        self.person_acts = False
        self.isolation = frozenset(isolation)
        self.robot = GantryRobot(random.Random(f"{seed} robot"))
        self.lane = Lane(mounts, random.Random(f"{seed} lane"))
        numbers = sorted(bays)
        self.bays = {n: bay(n, i, len(numbers), bays[n]) for i, n in enumerate(numbers)}
        self._live_coupler = False

    @property
    def truck(self) -> Truck | None:
        """The truck in the lane, once it stands there."""
        return self.lane.truck if self.lane.mounts else None

    def place(self, code: int) -> Place | None:
        """The place with this location code; None if there is none, or no truck to have it."""
        return self.lane.mounts.get(code - MOUNT_CODE_BASE) or self.bays.get(code)

    def packs(self) -> list[Pack]:
        """Every pack here: in bays, on the truck, on the robot."""
        here = [p.pack for p in (*self.bays.values(), *self.lane.mounts.values()) if p.pack is not None]
        return here + ([self.robot.pack] if self.robot.pack is not None else [])

    def store(self, number: int, pack: Pack) -> None:
        """Put a pack into a bay before the scenario begins."""
        self.bays[number].put(pack)

    def arrive(self, truck: Truck, parking: Parking | None = None) -> None:
        """A truck drives in. Raises ValueError if it cannot."""
        self.lane.arrive(truck, parking)

    def repark(self, parking: Parking | None = None) -> None:
        """The driver parks anew. Raises ValueError if the truck cannot move."""
        self.lane.repark(parking)

    def begin(self, command: RobotCommand) -> EchoResult:
        """Start a motion; OK, or why it is impossible. The PLC asks only while none is under way."""
        stages = plan(self, command)
        if isinstance(stages, EchoResult):
            return stages
        self.robot.start(stages)
        return EchoResult.OK

    def advance(self, dt_s: float) -> None:
        """Let dt_s seconds of the bench's time pass."""
        plant_s = dt_s * self.speed
        visit = self.ledger.visit()
        robot_s = self.robot.advance(plant_s) / self.speed
        person = self.lane.driver_acts or self.person_acts
        self.lane.advance(plant_s)
        for place in self.bays.values():
            place.connect()
        truck = self.truck
        truck_s = dt_s if truck is not None and truck.busy else 0.0
        if truck is not None:
            truck.advance(plant_s)
        for pack in self.packs():
            pack.advance(plant_s)
        self.clock_s += dt_s
        self._watch(visit)
        waking = any(p.mated and not p.talking and not p.faults.mute for p in self.packs())
        self.ledger.add(robot_s, max(truck_s, dt_s if waking else 0.0), dt_s if person else 0.0, dt_s)

    def seated(self, place: Place) -> bool:
        """Whether the place's seat switch is made: by its own pack, or one the robot holds down on it."""
        held = self.robot.pack is not None and self.robot.z.position_mm <= SEATED_MM
        return place.pack is not None or (held and self.robot.at(place.x_mm, place.y_mm))

    def _watch(self, visit: Visit | None) -> None:
        """Keep the accounts of the truck's stay, and look for what must never happen."""
        lane = self.lane
        if (
            lane.truck is not None
            and lane.present
            and (not self.ledger.visits or self.ledger.visits[-1].left_s is not None)
        ):
            self.ledger.visits.append(Visit(lane.truck.vin, self.clock_s))
        if visit is not None and lane.driving is Driving.LEAVING:
            visit.released_s = self.clock_s
            self._check_departure()
        if lane.driving is Driving.AWAY and self.ledger.visits and self.ledger.visits[-1].left_s is None:
            self.ledger.visits[-1].left_s = self.clock_s
        self._check_couplers()
        if self.robot.load_kg > LOAD_LIMIT_KG:
            self.ledger.violation(self.clock_s, "overload", load_kg=round(self.robot.load_kg))

    def _check_departure(self) -> None:
        loose = [n for n, m in self.lane.mounts.items() if m.pack is None or not m.lock.made]
        if loose:
            self.ledger.violation(self.clock_s, "truck left with mounts empty or unlocked", mounts=loose)
        if not self.robot.clear_of_lane:
            self.ledger.violation(self.clock_s, "truck left under the robot")

    def _check_couplers(self) -> None:
        truck = self.truck
        live = [n for n, m in self.lane.mounts.items() if truck and truck.contactor_closed(n) and not m.coupler.made]
        if live and not self._live_coupler:
            self.ledger.violation(self.clock_s, "coupler parted under a closed contactor", mounts=live)
        self._live_coupler = bool(live)

    def truth(self) -> dict[str, Any]:
        """Where everything really is, as plain values."""
        truck, departed = self.truck, self.lane.departed
        return {
            "clock_s": round(self.clock_s, 3),
            "bays": {n: _serial(p.pack) for n, p in self.bays.items()},
            "bays_locked": {n: p.lock.made for n, p in self.bays.items()},
            "mounts": {n: _serial(p.pack) for n, p in self.lane.mounts.items()},
            "mounts_locked": {n: p.lock.made for n, p in self.lane.mounts.items()},
            "mounts_mated": {n: p.mated for n, p in self.lane.mounts.items()},
            "gripper": _serial(self.robot.pack),
            "robot": {
                "x_mm": round(self.robot.x.position_mm, 1),
                "y_mm": round(self.robot.y.position_mm, 1),
                "z_mm": round(self.robot.z.position_mm, 1),
                "moving": not self.robot.still,
                "active": self.robot.active,
            },
            "truck": {"vin": truck.vin if truck else None, "driving": self.lane.driving.value},
            "departed": [{"vin": t.vin, "packs": {n: p.serial for n, p in sorted(t.packs.items())}} for t in departed],
            "packs": {p.serial: round(p.soc_pct, 1) for p in self.packs()},
            **self.ledger.as_dict(),
        }


def _serial(pack: Pack | None) -> str | None:
    return pack.serial if pack is not None else None


def stocked(world: World, soc_pct: Iterable[float | None], prefix: str = "SIMP") -> None:
    """Fill the ordinary bays in order with packs of these charges; None leaves a bay empty."""
    ordinary = [n for n in sorted(world.bays) if n not in world.isolation]
    for number, soc in zip(ordinary, soc_pct, strict=False):
        if soc is not None:
            world.store(number, Pack(f"{prefix}-{number:08d}", soc))
