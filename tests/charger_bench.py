"""A charger's program and its plant without a network, on a clock the test holds."""

from __future__ import annotations

from drivers.charger_status import ChargerMode, ChargerState, ChargerStop, SetPoint
from drivers.reading import Signal
from drivers.registers import load
from hil.peers.charger_rules import ChargerProgram
from hil.plant.charger import Charger
from hil.plant.meter import Meter
from hil.plant.pack import Pack
from hil.plant.world import World
from tests.plc_bench import make_world

MAP, METER_MAP = load("charger-v1"), load("meter-v1")
SCAN_S = 0.01
BAY = 5
FULL = SetPoint(ChargerMode.CHARGE, 300.0, 646.0, 240_000.0)
TEST = SetPoint(ChargerMode.INSULATION_TEST)


class ChargerBench:
    """Bay 5 holds a pack and has a charger and a meter of its own; commands are written, time passes."""

    def __init__(self, soc_pct: float = 50.0, temperature_c: float = 25.0) -> None:
        self.world: World = make_world(speed=1.0, truck=False)
        self.pack = Pack("TEST-00000005", soc_pct, temperature_c=temperature_c)
        self.world.store(BAY, self.pack)
        self.charger, self.meter = Charger(), Meter(4711)
        self.world.electrics.fit(BAY, self.charger)
        self.world.electrics.meters[BAY] = self.meter
        self.program = ChargerProgram(self.charger, MAP)
        self.now_s, self.counter = 1000.0, 500
        self.write(SetPoint(ChargerMode.OFF))
        self.run(1.0)

    def write(self, set_point: SetPoint, *, lease_ms: int = 1000, counter: int | None = None) -> bool:
        """One command; its counter advances unless given."""
        if counter is None:
            counter = self.counter = (self.counter + 1) & 0xFFFF
        points = {"counter": counter, "lease_ms": lease_ms, "mode": int(set_point.mode)}
        limits = {name: getattr(set_point, name) for name in ("current_a", "voltage_v", "power_w")}
        return self.program.receive(MAP.block("command").encode({**points, **limits}), self.now_s)

    def run(self, seconds: float, armed: SetPoint | None = None, *, step_s: float = SCAN_S) -> None:
        """Time passes; armed: this is written ten times a second."""
        for n in range(round(seconds / step_s)):
            if armed is not None and n % max(1, round(0.1 / step_s)) == 0:
                self.write(armed)
            self.now_s += step_s
            self.world.advance(step_s)
            self.program.scan(self.now_s)

    def supply(self, closed: bool = True) -> None:
        """The PLC's contactor."""
        self.world.supplies.command(1 << (BAY - 1) if closed else 0)

    def charging(self, set_point: SetPoint = FULL) -> ChargerBench:
        """Tested, closed, ramped up."""
        self.run(3.2, TEST)
        self.supply()
        self.run(10.0, set_point)
        assert self.state is ChargerState.CHARGING
        return self

    @property
    def state(self) -> ChargerState:
        """As it stands in the registers."""
        return ChargerState(self._point("state"))

    @property
    def stop_reason(self) -> ChargerStop:
        """As it stands in the registers."""
        return ChargerStop(self._point("stop_reason"))

    @property
    def relay_closed(self) -> Signal:
        """As it stands in the registers."""
        return Signal(self._point("relay_closed"))

    def _point(self, name: str) -> int:
        return int(MAP.block("status").decode(self.program.words(self.now_s)).points[name] or 0)
