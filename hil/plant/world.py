"""The whole plant, in one synchronous piece: robot, bays, lane, packs, and the safety inputs around them."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from drivers.reading import Signal
from drivers.robot_protocol import MOUNT_CODE_BASE, EchoResult, RobotCommand
from hil.plant.ageing import Ageing
from hil.plant.electrics import Electrics
from hil.plant.inputs import Inputs
from hil.plant.lane import Lane, Parking
from hil.plant.ledger import Ledger
from hil.plant.pack import Pack
from hil.plant.panel import Panel
from hil.plant.places import Place, bay
from hil.plant.robot import SEATED_MM, GantryRobot
from hil.plant.supplies import Supplies
from hil.plant.truck import Truck
from hil.plant.truth import truth
from hil.plant.verbs import plan
from hil.plant.watch import Watch


class World:
    """Plant physics. `speed` scales the plant's motion only: one second of `advance` is `speed` seconds of plant.

    bays and mounts give the source address each place's connector codes, by number; isolation names the bays that
    are the isolation area. All that is random comes from `seed`.

    cells_in_time: the packs' cells keep the bench's time, however fast the plant is: an estimator's hour is an hour.
    clock_s: the bench's time; plant_s: the plant's, which runs `speed` times as fast.
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
        self.speed, self.cells_in_time = speed, False
        self.inputs = Inputs()
        self.ledger = Ledger()
        self.clock_s = 0.0
        self.person_acts = False
        self.isolation = frozenset(isolation)
        self.robot = GantryRobot(random.Random(f"{seed} robot"))
        self.lane = Lane(mounts, random.Random(f"{seed} lane"))
        numbers = sorted(bays)
        self.bays = {n: bay(n, i, len(numbers), bays[n]) for i, n in enumerate(numbers)}
        self.supplies = Supplies(self.bays)
        self.electrics = Electrics(self.bays, self.supplies)
        self.plant_s = 0.0
        self.panel = Panel(self, random.Random(f"{seed} sensors"))
        self._watch = Watch(self)
        self._ageing = Ageing(seed, self.packs, self._detect)
        self._truck_unseen_s = 0.0

    @property
    def truck(self) -> Truck | None:
        """The truck in the lane, once it stands there."""
        return self.lane.truck if self.lane.mounts else None

    @property
    def places(self) -> list[Place]:
        """The bays, then the mounts of the truck in the lane."""
        return [*self.bays.values(), *self.lane.mounts.values()]

    def place(self, code: int) -> Place | None:
        """The place with this location code; None if there is none, or no truck to have it."""
        return self.lane.mounts.get(code - MOUNT_CODE_BASE) or self.bays.get(code)

    def packs(self) -> list[Pack]:
        """Every pack here: in bays, on the truck, on the robot."""
        here = [p.pack for p in self.places if p.pack is not None]
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

    def drive_off(self) -> None:
        """The driver leaves as the truck came. Raises ValueError if the truck cannot move."""
        self.lane.drive_off()

    def begin(self, command: RobotCommand) -> EchoResult:
        """Start a motion; OK, or why it is impossible. The PLC asks only while none is under way."""
        stages = plan(self, command)
        if isinstance(stages, EchoResult):
            return stages
        self.robot.start(stages)
        return EchoResult.OK

    def advance(self, dt_s: float) -> None:
        """Let dt_s seconds of the bench's time pass; for 0 nothing happens."""
        if dt_s <= 0.0:
            return
        plant_s, lane, visit = dt_s * self.speed, self.lane, self.ledger.visit()
        self.clock_s += dt_s
        self.plant_s += plant_s
        self._ageing.pace = 1.0 / self.speed if self.cells_in_time else 1.0
        driving = lane.driver_acts
        acting_s = self.robot.advance(plant_s) / self.speed
        lane.advance(plant_s)
        self.electrics.advance(plant_s, dt_s)
        due = self._ageing.tick(plant_s) or driving
        changing = due or self.robot.touched or lane.stirring
        if changing:
            self._couple(plant_s)
        truck_s = self._drive_truck(plant_s, dt_s, changing)
        if due or self._ageing.waking:
            self.supplies.meter(self._ageing.age())
        if changing or truck_s > 0.0:
            self._watch.look(visit)
        if acting_s > 0.0 or changing or self.panel.settling:
            self.panel.tick(self.plant_s)
        if visit is not None:
            truck_s = max(truck_s, dt_s if self._ageing.waking else 0.0)
            self.ledger.add(acting_s, truck_s, dt_s if driving or self.person_acts else 0.0, dt_s)

    def _couple(self, plant_s: float) -> None:
        """Packs and truck see what couplers and locks do."""
        for place in self.places:
            if place.stale:
                self.supplies.meter(self._ageing.awaken(plant_s))
                place.connect()
        self.supplies.connect()
        self.lane.tell_truck()

    def _drive_truck(self, plant_s: float, dt_s: float, moving: bool) -> float:
        """Let the truck act; the seconds of dt_s in which it did."""
        truck = self.truck
        if truck is None:
            self._truck_unseen_s = 0.0
            return 0.0
        self._truck_unseen_s += plant_s
        busy_s = dt_s if truck.busy else 0.0
        if moving or truck.stirring:
            truck.advance(self._truck_unseen_s)
            self._truck_unseen_s = 0.0
        return busy_s

    def _detect(self, pack: Pack) -> None:
        """The smoke detector over the pack's bay, and the fire detectors of the cell."""
        for number, place in self.bays.items():
            if place.pack is pack:
                self.inputs.smoke_clear[number] = Signal.FALSE
        if pack.runaway is not None and pack.runaway.burning:
            self.inputs.fire_clear = Signal.FALSE

    def seated(self, place: Place) -> bool:
        """Whether the place's seat switch is made: by its own pack, or one the robot holds down on it."""
        held = self.robot.pack is not None and self.robot.z.position_mm <= SEATED_MM
        return place.pack is not None or (held and self.robot.at(place.x_mm, place.y_mm))

    def truth(self) -> dict[str, Any]:
        """Where everything really is, as plain values."""
        return truth(self)


def stocked(world: World, soc_pct: Iterable[float | None], prefix: str = "SIMP") -> None:
    """Fill the ordinary bays in order with packs of these charges; None leaves a bay empty."""
    ordinary = [n for n in sorted(world.bays) if n not in world.isolation]
    for number, soc in zip(ordinary, soc_pct, strict=False):
        if soc is not None:
            pack = Pack(f"{prefix}-{number:08d}", soc)
            pack.lag.branch = 1.0  # it was charged here
            world.store(number, pack)
