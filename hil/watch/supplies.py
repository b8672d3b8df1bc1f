"""The watch over the bays' supplies: by what was permitted, by what the drivers had read, and by the plant's truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drivers.pack_status import PackLink, PackStatus
from drivers.reading import Reading, Signal
from hil.plant.world import World
from hil.watch.findings import Findings
from hil.watch.plant import open_faults
from hil.watch.tap import Written
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay

SCAN_S = 0.01
WIRE_S = 1.0
"""So late a block may come to the PLC, and hold from then on (modbus.delay)."""
KNOWN_S = 3.0
"""A pack's fault is known by then: message period, age limit, cycle, lease, and a poor wire."""
AGE_S, SLOW_S = 0.5, 1.0


class SupplyWatch:
    """`begins` for each life of the controller, `block` for each command block, `cycle` for each control cycle, `tick`
    often, also while there is no controller.

    doubtful: whether a wire or sensor lies at this time: then nobody can know of a fault.
    """

    def __init__(self, findings: Findings, world: World, config: Config, doubtful: Callable[[float], bool]) -> None:
        self._findings, self._world, self._doubtful = findings, world, doubtful
        self._isolation = {section.number for section in config.bay if section.isolation}
        self._bound_s = config.charging.lease_ms / 1000 + SCAN_S + WIRE_S
        self._given_s: dict[int, float] = {}  # when each bay's permit was written last
        self._faulty_s: dict[int, float] = {}
        self._written = 0  # permits since the last cycle ended

    def begins(self) -> None:
        """A life of the controller begins: what the last one wrote in a cycle that it did not end is nobody's."""
        self._written = 0

    def block(self, written: Written) -> None:
        """A command block has left the controller."""
        if written.supply_lease_ms:
            self._written |= written.charge_permits
            for number in _bays(written.charge_permits):
                self._given_s[number] = written.at_s

    def cycle(self, snapshot: Snapshot, decision: Decision) -> None:
        """No permit to charge with a condition not met in what had been read; none written that was not decided.

        Both together: charging is off in the very cycle that finds a thermal event.
        """
        more, self._written = self._written & ~decision.charge_permits, 0
        undecided = f"bays {', '.join(str(number) for number in _bays(more))}"
        self._findings.judge("permit to charge written that was not decided", not more, undecided.__str__)
        for number in _bays(decision.charge_permits):
            wrong = sorted({*_cell(snapshot, number), *_pack(snapshot.packs[bay(number)], snapshot.now_s)})
            wrong += ["isolation area"] if number in self._isolation else []
            wrong += ["thermal finding"] if bay(number) in {**decision.thermal, **decision.blind} else []
            text = f"bay {number}: {', '.join(wrong)}"
            self._findings.judge("permit to charge without its inputs", not wrong, text.__str__)

    def tick(self, now_s: float) -> None:
        """No supply is closed without its permit, none feeds a pack with an open fault. A welded one obeys nobody."""
        supplies = self._world.supplies
        if not supplies.commanded:
            self._faulty_s.clear()
            return
        for number in _bays(supplies.commanded):
            alone_s = now_s - self._given_s.get(number, float("-inf"))
            text = f"bay {number}, its permit came {alone_s:.2f} s ago"
            self._findings.judge("a supply closed without its permit", alone_s <= self._bound_s, text.__str__)
            self._judge_pack(number, now_s)

    def _judge_pack(self, number: int, now_s: float) -> None:
        pack = self._world.bays[number].pack
        faults = open_faults(pack) if pack is not None and pack.current_a > 0.0 else []
        if self._world.inputs.smoke_clear.get(number, Signal.TRUE) is not Signal.TRUE:
            faults.append("smoke")
        if not faults or self._doubtful(now_s):
            self._faulty_s.pop(number, None)
            return
        for_s = now_s - self._faulty_s.setdefault(number, now_s)
        text = f"bay {number}, {', '.join(faults)}: {for_s:.2f} s"
        self._findings.judge("a bay charges with an open fault", for_s <= KNOWN_S, text.__str__)


def _bays(mask: int) -> Iterator[int]:
    return (n for n in range(1, mask.bit_length() + 1) if mask >> (n - 1) & 1)


def _cell(snapshot: Snapshot, number: int) -> Iterator[str]:
    """What of the PLC's inputs forbids charging in this bay; written from docs/charging.md, not from the interlock."""
    robot = snapshot.robot
    if robot is None:
        yield "no PLC"
        return
    here = robot.bays[number - 1]
    signals = {
        "emergency stop": robot.estop_released,
        "fire": robot.fire_clear,
        "smoke": here.smoke_clear,
        "occupied": here.occupied,
        "locked": here.locked,
        "mated": here.mated,
    }
    yield from (name for name, signal in signals.items() if signal is not Signal.TRUE)
    if snapshot.now_s - robot.received_s > 0.3 + 1e-6:
        yield "old status"


def _pack(pack: PackStatus, now_s: float) -> Iterator[str]:
    if pack.link is not PackLink.MONITORED:
        yield "not monitored"
    for name in ("insulation_fault", "connector_fault", "overtemperature", "overcurrent", "cell_voltage_fault"):
        if _good(getattr(pack, name), now_s, SLOW_S) is not Signal.FALSE:
            yield name
    if _good(pack.thermal_event, now_s, AGE_S) is not Signal.FALSE:
        yield "thermal event"
    if _good(pack.charge_permitted, now_s, SLOW_S) is not Signal.TRUE:
        yield "BMS forbids"
    if _good(pack.current_demand_a, now_s, SLOW_S) is None:
        yield "no BCL"
    ohm_per_v, hot_c = _good(pack.insulation_ohm_per_v, now_s, AGE_S), _good(pack.temperature_max_c, now_s, SLOW_S)
    if ohm_per_v is None or ohm_per_v < 100.0:
        yield "insulation"
    if hot_c is None or hot_c > 55.0:
        yield "temperature"


def _good(reading: Reading[float] | Reading[Signal], now_s: float, age_s: float) -> float | Signal | None:
    return reading.good(now_s, age_s + 1e-6)
