"""The interlock as the controller sees it: judge every cycle, and the one gate that every order passes.

The gate is the AND of named conditions over measured inputs; the swap logic cannot go round it, because the runner
puts nothing into a command block that did not come out of `Guard.admit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from drivers.reading import Quality, Signal
from drivers.robot_protocol import EchoState, MotionClass, RobotCommand, RobotState
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.motion import LastMotion
from station_ctl.model.places import Place
from station_ctl.model.state import StationState
from station_ctl.safety import inputs
from station_ctl.safety.classes import ALL_CLASSES, motion_class
from station_ctl.safety.explain import explain
from station_ctl.safety.scene import Scene
from station_ctl.safety.table import Table, interlock

NOWHERE: Mapping[Place, str] = MappingProxyType({})
"""No thermal event anywhere."""
_STANDING = frozenset({RobotState.STOPPED, RobotState.READY, RobotState.FAULTED, RobotState.EMERGENCY_STOPPED})


def fitted_mounts(snapshot: Snapshot, configured: tuple[int, ...]) -> tuple[int, ...]:
    """Mounts to watch: those the truck says it has, and any other where the PLC sees, or may see, a pack."""
    fitted = snapshot.truck.mounts_fitted
    told = fitted.value if fitted.quality is Quality.GOOD else None
    if told is None or snapshot.robot is None:
        return configured
    seats = snapshot.robot.mounts
    return tuple(n for n in configured if n <= told or seats[n - 1].seated in (Signal.TRUE, Signal.UNTRUSTED))


def moving(snapshot: Snapshot, state: StationState, engaged: bool) -> MotionClass:
    """Classes of motion under way or about to be: what is pending, or everything if the robot moves without our order.

    engaged: the robot may start by itself at any moment, so travel counts as about to be even when it waits.

    A motion that the PLC has just stopped by itself counts too: its own safety chain may be quicker than we are, and
    the trip has to be latched here all the same.
    """
    robot, pending = snapshot.robot, state.pending
    standing = MotionClass.TRAVEL if engaged else MotionClass(0)
    if robot is None or robot.state is None:
        return motion_class(pending, state.evacuation) | standing if pending else standing
    if pending is None:
        ours = state.given if state.given and state.given.sequence == robot.echo_sequence else None
        coming_to_rest = motion_class(ours, state.evacuation) if ours else ALL_CLASSES ^ MotionClass.JOG
        return standing if robot.state in _STANDING else coming_to_rest
    if robot.echo_sequence == pending.sequence and robot.echo_state is EchoState.DONE:
        return standing
    return motion_class(pending, state.evacuation) | standing


class Guard:
    """The compiled interlock under one configuration. Holds the latch; boots latched.

    Raises TableError if the table and this build's inputs do not fit each other.
    """

    def __init__(self, table: Table, config: Config) -> None:
        self._packer = inputs.Packer(table, inputs.READERS, inputs.SUBJECTS)
        self._causes = {cause.name: cause for cause in table.causes}
        self._limits = config.safety
        self._configured = tuple(sorted(place.number for place in config.mount))
        self._isolation = tuple(place.number for place in config.bay if place.isolation)
        self._kernel = interlock(table.causes, config.safety)
        self._first_out: str | None = None
        self._tripped = ""

    def judge(
        self,
        snapshot: Snapshot,
        state: StationState,
        *,
        reset: bool,
        engaged: bool,
        worked_at: bool = False,
    ) -> Decision:
        """One cycle of the interlock over the motion under way.

        reset: level of the reset line. engaged: see `moving`. worked_at: the truck is isolated for the robot, so it has
        to be held.
        """
        scene = self._scene(snapshot, state, state.pending, None, worked_at, NOWHERE)
        mask, permits, latched, category, first, _ = self._kernel.judge(
            self._packer.pack(scene), moving(snapshot, state, engaged), reset
        )
        causes = list(self._causes.values())
        active = {c.name: MotionClass(c.withholds) for i, c in enumerate(causes) if mask >> i & 1}
        first_out = causes[first].name if first >= 0 else None
        if first_out != self._first_out:  # the value that tripped it, not what it reads afterwards
            self._first_out, self._tripped = first_out, self.explain(first_out, scene) if first_out else ""
        blocking = tuple(c.name for i, c in enumerate(causes) if mask >> i & 1 and c.blocks_reset)
        return Decision(MotionClass(permits), latched, category, first_out, active, self._tripped, blocking)

    def admit(
        self, snapshot: Snapshot, state: StationState, command: RobotCommand, thermal: Mapping[Place, str] = NOWHERE
    ) -> tuple[str, ...]:
        """The gate: what refuses this command, one line a cause; empty if it may be written.

        thermal: where a thermal event is measured, the evidence that an evacuation's lift needs.
        """
        needed = motion_class(command, state.evacuation)
        if not needed:
            return ()
        scene = self._scene(snapshot, state, command, state.last, False, thermal)
        mask, permits = self._kernel.may_start(self._packer.pack(scene))
        if needed & permits:
            return ()
        causes = [c for i, c in enumerate(self._causes.values()) if mask >> i & 1 and c.withholds & needed]
        return tuple(self.explain(cause.name, scene) for cause in causes) or ("latched: a person has to clear",)

    def explain(self, name: str, scene: Scene) -> str:
        """One line: the cause, its measured value with unit, its limit and age, what to do."""
        cause = self._causes[name]
        value, age_s = inputs.READERS[cause.input.name](scene)
        return explain(cause, value, age_s, self._limits)

    def dump(self) -> dict[str, object]:
        """What it remembers between two cycles, in plain values: latch, hysteresis, and the line of the first-out."""
        return {"kernel": self._kernel.dump(), "first_out": self._first_out, "tripped": self._tripped}

    def load(self, memory: Mapping[str, object]) -> None:
        """Remember this instead, for a replay. Raises ValueError for what no `dump` of this table gave."""
        kernel, first_out, tripped = (memory.get(name) for name in ("kernel", "first_out", "tripped"))
        if (
            not isinstance(kernel, (list, tuple))
            or not isinstance(first_out, str | None)
            or not isinstance(tripped, str)
        ):
            raise ValueError(f"memory of the interlock cannot be read: {memory!r:.200}")
        self._kernel.load(tuple(tuple(part) if isinstance(part, list) else part for part in kernel))
        self._first_out, self._tripped = first_out, tripped

    def _scene(
        self,
        snapshot: Snapshot,
        state: StationState,
        command: RobotCommand | None,
        last: LastMotion | None,
        worked_at: bool,
        thermal: Mapping[Place, str],
    ) -> Scene:
        swap = state.swap
        exchanges = swap.exchanges if swap else ()
        fitted = {*fitted_mounts(snapshot, self._configured), *(e.mount for e in exchanges)}
        installed = {e.mount: e.serial_in for e in exchanges if swap and e.mount in swap.installed}
        return Scene(
            snapshot,
            command,
            last,
            tuple(sorted(fitted)),
            installed,
            worked_at,
            state.evacuation,
            self._isolation,
            thermal,
            manual=state.manual is not None,
        )
