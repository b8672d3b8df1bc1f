"""What a charger's program does, cycle by cycle, without its network: the rules of docs/charger.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from drivers.charger_status import OFF, ChargerFault, ChargerMode, ChargerState, ChargerStop, SetPoint
from drivers.register_codec import Block
from drivers.register_points import Value
from drivers.registers import RegisterMap
from hil.peers.charger_points import charger_points
from hil.peers.lease import Lease
from hil.peers.plc_command import ahead
from hil.plant.charger import TOO_HOT_C, Charger

RELAY_LATE_S = 0.5
"""A relay that is still closed so long after its coil has gone is welded."""
IN_RANGE = ("counter", "lease_ms", "mode", "current_a", "voltage_v", "power_w")


class ChargerProgram:
    """One charger as a unit of hil.peers.modbus_server. `receive` for each write, `scan` often while powered.

    counters: commands by what became of them.
    """

    def __init__(self, charger: Charger, register_map: RegisterMap) -> None:
        self.charger = charger
        self.state, self.stop_reason = ChargerState.OFF, ChargerStop.POWER
        self.fault_code = ChargerFault.NONE
        self.counters: Counter[str] = Counter()
        self._map = register_map
        self._status, self._command = register_map.block("status"), register_map.block("command")
        self._heartbeat = 0
        self._counter = 0
        self._lease = Lease(float("-inf"))
        self._open_since_s: float | None = None  # since when the relay ought to be open and is not

    @property
    def rests(self) -> bool:
        """What ended by itself stays off until a command with mode OFF has counted."""
        return self.stop_reason not in (ChargerStop.NONE, ChargerStop.COMMAND)

    @property
    def readable(self) -> Block:
        """The status block."""
        return self._status

    @property
    def writable(self) -> Block:
        """The command block."""
        return self._command

    @property
    def mute(self) -> bool:
        """Whether it gives no answer."""
        return self.charger.faults.mute

    def receive(self, words: Sequence[int], now_s: float) -> bool:
        """Take a whole command; False if it is not acceptable at all and must be answered with exception 3."""
        if len(words) != self._command.count or not self._command.sealed(words):
            self.counters["bad_checksum"] += 1
            return False
        points = self._command.decode(words).points
        counter, lease_ms, mode, *limits = (points[name] for name in IN_RANGE)
        if counter is None or lease_ms is None or mode is None or None in limits:
            self.counters["out_of_range"] += 1
            return False
        wanted = SetPoint(ChargerMode(int(mode)), *(float(limit) for limit in limits if limit is not None))
        self.obey(int(counter), lease_ms / 1e3, wanted, now_s)
        return True

    def obey(self, counter: int, lease_s: float, wanted: SetPoint, now_s: float) -> None:
        """Take a command whose form is good; what counts is what its counter says (docs/charger.md, 2)."""
        self._supervise(now_s)
        if not self._newer(counter, now_s):
            return
        self.counters["counted"] += 1
        self._lease.renew(lease_s, now_s)
        self._take(wanted if lease_s > 0.0 else OFF, now_s)

    def _newer(self, counter: int, now_s: float) -> bool:
        """Whether this command counts. Once the lease is out (new controller, power cut) any other counter does."""
        if self._lease.counts(ahead(counter, self._counter), now_s):
            self._counter = counter
            return True
        self.counters["stale"] += 1
        return False

    def _take(self, wanted: SetPoint, now_s: float) -> None:
        if wanted.mode is ChargerMode.OFF:
            if self._fault(now_s) is ChargerFault.NONE:
                self.fault_code = ChargerFault.NONE
                self._end(ChargerStop.COMMAND)
        elif not self.rests:
            self.stop_reason = ChargerStop.NONE
            self.charger.order(wanted)
        self._look()

    def scan(self, now_s: float) -> None:
        """One cycle of the program."""
        if not self.charger.powered:
            return
        self._heartbeat = (self._heartbeat + (not self.charger.faults.heartbeat_stuck)) & 0xFFFF
        self._supervise(now_s)
        self._look()

    def _supervise(self, now_s: float) -> None:
        """What ends by itself: a fault, the lease, a circuit that opens."""
        fault = self._fault(now_s)
        if fault is not ChargerFault.NONE:
            if self.fault_code is ChargerFault.NONE:
                self.fault_code = fault
                self._end(ChargerStop.FAULT)
        elif self.charger.set_point.mode is ChargerMode.OFF:
            return
        elif self._lease.out(now_s):
            self._end(ChargerStop.COUNTER if self._lease.frozen else ChargerStop.LEASE)
        elif self.charger.load_lost:
            self._end(ChargerStop.LOAD_LOST)

    def _fault(self, now_s: float) -> ChargerFault:
        """The gravest that stands now."""
        charger = self.charger
        if charger.relay_closed and charger.set_point.mode is not ChargerMode.CHARGE:
            self._open_since_s = now_s if self._open_since_s is None else self._open_since_s
        else:
            self._open_since_s = None
        if self._open_since_s is not None and now_s - self._open_since_s > RELAY_LATE_S:
            return ChargerFault.RELAY
        if charger.faults.internal:
            return ChargerFault.INTERNAL
        if charger.temperature_c > TOO_HOT_C:
            return ChargerFault.OVERTEMPERATURE
        return ChargerFault.INSULATION if charger.insulation_sound is False else ChargerFault.NONE

    def _end(self, reason: ChargerStop) -> None:
        self.stop_reason = reason
        self.charger.order(OFF)

    def _look(self) -> None:
        """What it does, in a word."""
        charger = self.charger
        mode = charger.set_point.mode
        if self.fault_code is not ChargerFault.NONE:
            self.state = ChargerState.FAULT
        elif mode is ChargerMode.OFF:
            self.state = ChargerState.OFF
        elif mode is ChargerMode.CONDITION:
            self.state = ChargerState.CONDITIONING
        elif mode is ChargerMode.INSULATION_TEST and charger.insulation_sound is None:
            self.state = ChargerState.INSULATION_TEST
        else:
            charging = mode is ChargerMode.CHARGE and charger.relay_closed
            self.state = ChargerState.CHARGING if charging else ChargerState.STANDBY

    def power_cut(self) -> None:
        """The cabinet loses its supply; nothing is kept."""
        self.charger.powered = False
        self._end(ChargerStop.POWER)
        self.fault_code, self._counter, self._lease.until_s = ChargerFault.NONE, 0, float("-inf")

    def power_return(self) -> None:
        """It boots, and starts nothing."""
        self.charger.powered, self._heartbeat = True, 0
        self._look()

    def words(self, now_s: float) -> tuple[int, ...]:
        """The status block as it stands in the registers now."""
        return self._status.encode(self.points(now_s))

    def points(self, now_s: float) -> dict[str, Value]:
        """The same as values, before they are put into the registers' steps."""
        return {
            **charger_points(self.charger),
            "map_id": self._map.map_id,
            "map_version": self._map.version,
            "heartbeat": self._heartbeat,
            "state": self.state,
            "fault_code": self.fault_code,
            "stop_reason": self.stop_reason,
            "echo_counter": self._counter,
            "lease_remaining_ms": self._remaining_ms(now_s),
        }

    def _remaining_ms(self, now_s: float) -> int:
        armed = self.charger.set_point.mode is not ChargerMode.OFF
        return self._lease.remaining_ms(now_s) if armed else 0
