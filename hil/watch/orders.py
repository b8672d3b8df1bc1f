"""The watch over orders: each against the plant's own truth as it leaves (rows 25 to 35), and what the PLC refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from drivers.reading import Signal
from drivers.robot_protocol import EchoResult, EchoState, Opcode, RobotMode
from hil.peers.plc_rules import Plc
from hil.plant.places import Place
from hil.plant.world import World
from hil.watch.doubts import Doubts
from hil.watch.findings import Findings
from hil.watch.tap import Written, order_text
from station_ctl.model.visit import Evacuation

HANDLING = (Opcode.LIFT_FROM, Opcode.PLACE_TO)
REFUSED = (EchoResult.SENSOR_MISMATCH, EchoResult.BAD_LOCATION, EchoResult.BUSY)
PLC_S, CAN_S = 0.3, 0.5
"""How old what the controller knows may be by the cause-and-effect table."""
INSULATION_OHM_PER_V = 95.0
"""The limit is 100; the BMS rounds and is noisy."""


class Orders:
    """`left` for each new motion that leaves the controller, `look` often, also while there is no controller.

    installed: serial by mount of what the swap under way has put in, evacuation: the one that is open; both by the
    controller's own word. isolation: numbers of the isolation bays.
    """

    def __init__(
        self,
        findings: Findings,
        world: World,
        plc: Plc,
        doubts: Doubts,
        *,
        installed: Callable[[], Mapping[int, str]],
        evacuation: Callable[[], Evacuation | None],
        isolation: frozenset[int],
    ) -> None:
        self._findings, self._world, self._plc, self._doubts = findings, world, plc, doubts
        self._installed, self._evacuation, self._isolation = installed, evacuation, isolation
        self._evacuated: str | None = None  # serial of the pack that an evacuation lifts, until it is set down
        self._since_s: dict[str, float] = {}
        self._handled: tuple[int, int] | None = None  # the last motion at a place: its opcode and the place
        self._answered = plc.retained.sequence

    def look(self, now_s: float) -> None:
        """See since when what the controller learns late is so, and what the PLC refused."""
        self._doubts.look(now_s)
        found = set(self._late())
        self._since_s = {name: self._since_s.get(name, now_s) for name in sorted(found)}
        answer = self._plc.retained
        if answer.sequence == self._answered:
            return
        self._answered = answer.sequence
        if answer.opcode == Opcode.RESET or self._doubts.disturbed(now_s):
            return
        refused = answer.state is EchoState.REJECTED and answer.result in REFUSED
        text = f"number {answer.sequence}, opcode {answer.opcode}: {answer.result.name}"
        self._findings.judge("the PLC refused an order", not refused, lambda: text)

    def left(self, written: Written) -> None:
        """A new motion is ordered."""
        self.look(written.at_s)
        wrong = [why for why in self._wrong(written) if why]
        code = written.source or written.destination
        if written.opcode in HANDLING:
            self._handled = (written.opcode, code)
        if not self._doubts.lied(written.at_s):
            text = f"{order_text(written)}: {', '.join(wrong)}"
            self._findings.judge("order against the plant's truth", not wrong, lambda: text)

    def _wrong(self, written: Written) -> list[str]:
        match written.opcode:
            case Opcode.RELEASE:
                return [*self._not_ready_to_leave(written.at_s)]
            case Opcode.MOVE_TO | Opcode.HOME:
                return [self._not_free_to_travel()]
            case Opcode.LIFT_FROM:
                place, again = self._at(written.source), self._handled == (Opcode.LIFT_FROM, written.source)
                return ["no such place"] if place is None else self._lift(place, again, written.at_s)
            case Opcode.PLACE_TO:
                place, again = self._at(written.destination), self._handled == (Opcode.PLACE_TO, written.destination)
                return ["no such place"] if place is None else self._put(place, again, written.at_s)
        return []

    def _lift(self, place: Place, again: bool, now_s: float) -> list[str]:
        """Rows 21, 24, 26, 28. Ordered again after a stop, the pack may be gripped already."""
        gripped = again and place.pack is None
        full = "" if self._world.robot.pack is None or gripped else "the gripper is full"
        if place.is_mount:
            free = place.lock.open and place.coupler.open
            return [full, "" if free else "the mount is not open"]
        if self._evacuates(place):
            fed = self._is(f"fed {place.name}", PLC_S, now_s)
            return [full, "the supply is closed" if fed else ""]
        live = place.mated and self._is(f"live {place.name}", CAN_S, now_s)
        return [full, self._smoke(place, now_s), "the contactor is closed" if live else ""]

    def _evacuates(self, place: Place) -> bool:
        """Whether this lift is the one that the open evacuation is about: smoke and the contactor are no obstacle."""
        evacuation = self._evacuation()
        if evacuation is None or str(evacuation.source) != place.name:
            return False
        pack = place.pack or self._world.robot.pack
        self._evacuated = pack.serial if pack is not None else None
        return True

    def _put(self, place: Place, again: bool, now_s: float) -> list[str]:
        """Rows 24 to 26, 29. Ordered again after a stop, the pack may have been let go already."""
        robot, let_go = self._world.robot, again and self._world.robot.pack is None
        isolates = self._evacuation() is not None and self._isolates(place)
        return [
            "the gripper is empty" if robot.pack is None and not let_go else "",
            "the place is occupied" if place.pack is not None and not let_go else "",
            "the mount is not open" if place.is_mount and not place.lock.open else "",
            "" if place.is_mount or isolates else self._smoke(place, now_s),
            self._astray(place),
        ]

    def _isolates(self, place: Place) -> bool:
        return any(self._world.bays.get(number) is place for number in self._isolation)

    def _astray(self, place: Place) -> str:
        """An evacuated pack is set down in isolation only, unless a person does it by hand."""
        pack, by_hand = self._world.robot.pack, self._world.inputs.mode is RobotMode.MANUAL
        if pack is None or pack.serial != self._evacuated or by_hand or self._isolates(place):
            return ""
        return f"{pack.serial} was to be isolated"

    def _not_free_to_travel(self) -> str:
        """Row 27."""
        robot = self._world.robot
        if robot.pack is None:
            return "the gripper is closed" if robot.gripper.made else ""
        held = any(self._world.seated(place) and place.pack is None for place in self._world.places)
        return "the pack is in its place" if held else "" if robot.gripper.made else "the pack is not gripped"

    def _not_ready_to_leave(self, now_s: float) -> Iterator[str]:
        """Rows 30 to 35, but for the temperature, which the watch over the plant judges."""
        mounts = self._world.lane.mounts
        for n, mount in mounts.items():
            if mount.pack is None or not mount.lock.made:
                yield f"mount {n} is {'empty' if mount.pack is None else 'not locked'}"
        if not self._world.robot.clear_of_lane:
            yield "the robot is in the way"
        for n, serial in self._installed().items():
            pack = mounts[n].pack if n in mounts else None
            if pack is None:
                continue
            if pack.serial != serial:
                yield f"{pack.serial} in mount {n} instead of {serial}"
            if self._is(f"unsound {pack.serial}", CAN_S, now_s):
                yield f"{pack.serial} is unsound"

    def _smoke(self, place: Place, now_s: float) -> str:
        return f"smoke in {place.name}" if self._is(f"smoke {place.name}", PLC_S, now_s) else ""

    def _late(self) -> Iterator[str]:
        for number, place in self._world.bays.items():
            if self._world.inputs.smoke_clear.get(number, Signal.TRUE) is not Signal.TRUE:
                yield f"smoke {place.name}"
            if place.pack is not None and place.pack.contactor_closed:
                yield f"live {place.name}"
            if self._world.supplies.at(number):
                yield f"fed {place.name}"
        for mount in self._world.lane.mounts.values():
            pack = mount.pack
            if pack is not None and (
                pack.faults.thermal_event is Signal.TRUE or pack.insulation_ohm_per_v < INSULATION_OHM_PER_V
            ):
                yield f"unsound {pack.serial}"

    def _is(self, name: str, age_s: float, now_s: float) -> bool:
        """Whether that has been so for longer than the controller may take to know."""
        return name in self._since_s and now_s - self._since_s[name] > age_s

    def _at(self, code: int) -> Place | None:
        return self._world.place(code)
