"""What the robot's PLC does, scan by scan, without its network: the rules of docs/robot-plc.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from drivers.reading import Signal
from drivers.register_points import Value
from drivers.registers import RegisterMap
from drivers.robot_protocol import (
    EchoResult,
    EchoState,
    MotionClass,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    StopReason,
)
from hil.peers.plc_command import Retained, ahead, command_of, permit_of
from hil.peers.plc_image import PlcView, StatusImage
from hil.peers.plc_permits import NOTHING, Permits
from hil.peers.plc_supply import SupplyRules
from hil.peers.stop_watch import StopWatch
from hil.plant.world import World

FAULT_OVERDUE = 1
"""`fault_code`: a stage of the motion took longer than it can; `step` tells which."""

IN_RANGE = ("lease_ms", "stop_category", "supply_lease_ms")
AFTER_STOP = {
    StopReason.EMERGENCY_STOP: RobotState.EMERGENCY_STOPPED,
    StopReason.SAFETY_CHAIN: RobotState.EMERGENCY_STOPPED,
    StopReason.AXIS_FAULT: RobotState.FAULTED,
}


class Plc:
    """One PLC program over one plant. `receive` is called for each write, `scan` every 10 ms while powered."""

    def __init__(self, world: World, register_map: RegisterMap) -> None:
        self.world = world
        self.state = RobotState.STOPPED
        self.stop_reason = StopReason.NONE
        self.fault_code = 0
        self.retained = Retained()
        self.motions: Counter[tuple[int, Opcode]] = Counter()
        self.outcomes: dict[tuple[int, Opcode], EchoState] = {}
        self.counters: Counter[str] = Counter()
        self.dangers = StopWatch()
        self.supply = SupplyRules(world)
        self._block, self._image = register_map.block("command"), StatusImage(register_map, world)
        self._heartbeat = 0
        self._permits = Permits()
        self._running: RobotCommand | None = None
        self._now_s = 0.0

    # -- what the controller writes ------------------------------------------------------------

    def receive(self, words: Sequence[int], now_s: float) -> bool:
        """Take a whole command block; False if it is not acceptable at all and must be answered with exception 3."""
        self._now_s = now_s
        if len(words) != self._block.count or not self._block.sealed(words):
            self.counters["bad_checksum"] += 1
            return False
        points = self._block.decode(words).points
        lease_ms, stop_category, supply_lease_ms = (points[name] for name in IN_RANGE)
        if lease_ms is None or stop_category is None or supply_lease_ms is None:
            self.counters["out_of_range"] += 1
            return False
        if self._newer(int(points["heartbeat"] or 0), now_s):
            classes = MotionClass(int(points["permits"] or 0) & 0xFF)
            self.dangers.written(self._permits.take(classes, lease_ms, int(stop_category), now_s), now_s)
            self._supervise(now_s)
            self.supply.receive(int(points["charge_permits"] or 0), int(supply_lease_ms), now_s)
            self._sequence(points)
        return True

    def _newer(self, heartbeat: int, now_s: float) -> bool:
        """Whether this block counts. Once both leases are out (new controller, power cut) any other heartbeat does."""
        base = self.retained.heartbeat
        step = 1 if base is None else ahead(heartbeat, base)
        if self._permits.lease.counts(step, now_s, self.supply.until_s):
            self.retained.heartbeat = heartbeat
            return True
        self.counters["stale_heartbeat"] += 1
        return False

    def _sequence(self, points: dict[str, Value]) -> None:
        sequence, opcode = int(points["sequence"] or 0), points["opcode"]
        step = ahead(sequence, self.retained.sequence)
        if opcode == Opcode.NONE or step == 0:
            self.counters["repeats"] += opcode != Opcode.NONE
            return
        if step > 32767:
            self.counters["out_of_order"] += 1
            return
        if opcode is None:
            self.retained.echo(sequence, 0xFFFF, EchoState.REJECTED, EchoResult.UNKNOWN_OPCODE)
        elif points["mount"] is None:
            self.retained.echo(sequence, int(opcode), EchoState.REJECTED, EchoResult.BAD_LOCATION)
        else:
            self._command(command_of(sequence, points))

    def _command(self, command: RobotCommand) -> None:
        if command.opcode is Opcode.STOP:
            self._stop_on_command(command)
            return
        refusal = self._reset() if command.opcode is Opcode.RESET else self._start(command)
        if refusal is not EchoResult.OK:
            self.counters["rejected"] += 1
            self.retained.echo(command.sequence, command.opcode, EchoState.REJECTED, refusal)
        elif command.opcode is Opcode.RESET:
            self.retained.echo(command.sequence, command.opcode, EchoState.DONE)
        else:
            self._started(command)

    def _start(self, command: RobotCommand) -> EchoResult:
        """Start a motion: OK, or why it must not start, the gravest reason first."""
        if self.state in (RobotState.FAULTED, RobotState.EMERGENCY_STOPPED):
            return EchoResult.NEEDS_RESET
        if self._running is not None or self.world.robot.active:
            return EchoResult.BUSY
        manual = self.world.inputs.mode is RobotMode.MANUAL
        enabled = self.world.inputs.local_enable is Signal.TRUE
        if (command.opcode is Opcode.JOG and not manual) or (manual and not enabled):
            return EchoResult.NOT_PERMITTED
        if not self._permits.cover(command, self._now_s) or self._chain() is not None:
            return EchoResult.NOT_PERMITTED
        if command.opcode is Opcode.LIFT_FROM and self.world.supplies.at(command.source):
            return EchoResult.SENSOR_MISMATCH  # the coupler would part under load
        return self.world.begin(command)

    def _started(self, command: RobotCommand) -> None:
        self._running = command
        self.state, self.stop_reason = RobotState.EXECUTING, StopReason.NONE
        self.motions[command.sequence, command.opcode] += 1
        self.retained.motions_started += 1
        self.retained.echo(command.sequence, command.opcode, EchoState.ACCEPTED)

    def _reset(self) -> EchoResult:
        """Leave FAULTED or EMERGENCY_STOPPED; the inputs must show that the cause is gone. Moves nothing."""
        if self.state in (RobotState.EXECUTING, RobotState.STOPPING):
            return EchoResult.BUSY
        if self.state is RobotState.EMERGENCY_STOPPED and self._chain() is not None:
            return EchoResult.SENSOR_MISMATCH
        self.state, self.fault_code = RobotState.STOPPED, 0
        return EchoResult.OK

    def _stop_on_command(self, command: RobotCommand) -> None:
        self._stop(StopReason.COMMAND)
        still = not self.world.robot.active
        self.retained.echo(command.sequence, command.opcode, EchoState.DONE if still else EchoState.EXECUTING)

    # -- what the PLC does by itself -----------------------------------------------------------

    def scan(self, now_s: float) -> None:
        """One PLC cycle: supervise, see how far the motion is, let the heartbeat count."""
        self._now_s = now_s
        self._heartbeat = (self._heartbeat + 1) & 0xFFFF
        if self.world.inputs.estop_released is not Signal.TRUE and self.state is not RobotState.EMERGENCY_STOPPED:
            self._stop(StopReason.EMERGENCY_STOP)
            if not self.world.robot.active:
                self.state, self.stop_reason = RobotState.EMERGENCY_STOPPED, StopReason.EMERGENCY_STOP
        self._supervise(now_s)
        self.supply.scan(now_s)
        self._progress()
        self._endangered(now_s)

    def _supervise(self, now_s: float) -> None:
        """What ends a motion that is under way, besides its own end."""
        if self._running is None or self.state is not RobotState.EXECUTING:
            return
        ended = self._chain() or self._permits.ended_by(self._running, now_s)
        if ended is not None:
            self._stop(ended)
        elif self.world.robot.overdue:
            self.fault_code = FAULT_OVERDUE
            self._stop(StopReason.AXIS_FAULT)

    def _progress(self) -> None:
        if self._running is None:
            return
        if not self.world.robot.active:
            stopped = self.state is RobotState.STOPPING
            self._finish(AFTER_STOP.get(self.stop_reason, RobotState.STOPPED) if stopped else RobotState.READY)
        elif self.retained.state is EchoState.ACCEPTED:
            self.retained.state = EchoState.EXECUTING

    def _finish(self, state: RobotState) -> None:
        command, self._running, self.state = self._running, None, state
        if command is None:
            return
        failed = EchoState.FAILED if state is RobotState.FAULTED else EchoState.STOPPED
        outcome = EchoState.DONE if state is RobotState.READY else failed
        self.outcomes[command.sequence, command.opcode] = outcome
        self.retained.ended(command.sequence, outcome)

    def _stop(self, reason: StopReason) -> None:
        """Category 1: ramp down, the pack stays gripped. A graver reason may overtake a stop under way."""
        if self._running is None or (self.state is RobotState.STOPPING and reason not in AFTER_STOP):
            return
        self.world.robot.stop(hard=AFTER_STOP.get(reason) is RobotState.EMERGENCY_STOPPED)
        self.state, self.stop_reason = RobotState.STOPPING, reason
        self.world.ledger.event(self.world.clock_s, "stop", reason=reason.name, sequence=self._running.sequence)

    def _chain(self) -> StopReason | None:
        """The hard-wired safety chain, in so far as this PLC sees it."""
        inputs = self.world.inputs
        if inputs.estop_released is not Signal.TRUE:
            return StopReason.EMERGENCY_STOP
        closed = inputs.zone_clear is Signal.TRUE and inputs.doors_closed is Signal.TRUE
        return None if closed else StopReason.SAFETY_CHAIN

    def _running_permit(self) -> MotionClass:
        return permit_of(self._running) if self._running is not None else NOTHING

    def _endangered(self, now_s: float) -> None:
        self.dangers.seen(self.world.inputs, self._running_permit() or self._permits.in_force(now_s), now_s)

    # -- power ---------------------------------------------------------------------------------

    def power_cut(self) -> None:
        """Everything stops dead; only `retained` is kept."""
        self.world.robot.drop_dead()
        self.supply.power_cut()
        self._permits.power_cut()
        if self._running is not None:
            self.stop_reason = StopReason.POWER
            self._finish(RobotState.STOPPED)

    def power_return(self) -> None:
        """Boot: nothing moves until a new command comes."""
        self.state, self.stop_reason, self.fault_code, self._heartbeat = RobotState.STOPPED, StopReason.POWER, 0, 0

    def status(self, now_s: float) -> tuple[int, ...]:
        """The status block as it stands in the registers now."""
        self._endangered(now_s)  # an input counts from the moment it can be read, which may be before the next scan
        view = PlcView(
            heartbeat=self._heartbeat,
            state=self.state,
            stop_reason=self.stop_reason,
            fault_code=self.fault_code,
            echo_sequence=self.retained.sequence,
            echo_opcode=self.retained.opcode,
            echo_state=self.retained.state,
            echo_result=self.retained.result,
            motions_started=self.retained.motions_started,
            lease_remaining_ms=self._permits.lease.remaining_ms(now_s),
            permits=self._permits.in_force(now_s),
            supply_lease_remaining_ms=self.supply.remaining_ms(now_s),
        )
        return self._image.words(view)
