"""A PLC and its plant without a network, on a clock the test holds."""

from __future__ import annotations

from typing import Any

from drivers.registers import load
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, Opcode
from hil.peers.plc_rules import Plc
from hil.plant.lane import Parking
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from hil.plant.world import World, stocked

MAP = load("robot-plc-v2")
ALL = MotionClass(255)
SCAN_S = 0.01
VIN = "LTESTTRUCK0000001"


def make_world(speed: float = 20.0, truck: bool = True, **options: Any) -> World:
    """Eight bays, 1 to 4 full, and by default a truck with two packs that stands well."""
    world = World(
        bays={n: 0x60 + n for n in range(1, 9)},
        mounts={1: 0xA1, 2: 0xA2, 3: 0xA3},
        isolation=[8],
        speed=speed,
        **options,
    )
    stocked(world, [90, 91, 92, 93])
    if truck:
        arrive(world)
    return world


def arrive(world: World) -> None:
    """A truck drives in and stands."""
    packs = {n: Pack(f"TRUK-{n:08d}", 10.0 + n) for n in (1, 2)}
    world.arrive(Truck(VIN, packs), Parking(10.0, -10.0, 0.2))
    world.advance(6.0 / world.speed)
    assert world.lane.in_position


class PlcBench:
    """Writes command blocks and lets time pass, both in the PLC and the plant."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or make_world()
        self.plc = Plc(self.world, MAP)
        self.now_s = 1000.0
        self.heartbeat = 100
        self.sequence = 0
        self.last: dict[str, Any] = {}

    def write(self, **fields: Any) -> bool:
        """One command block; the heartbeat advances unless given; what is not given is as before."""
        self.heartbeat = (self.heartbeat + 1) & 0xFFFF
        idle = {"lease_ms": 500, "permits": ALL, "stop_category": 0, "sequence": self.sequence, "opcode": 0}
        idle |= {"source": 0, "destination": 0, "mount": 0, "parameter_1": 0, "parameter_2": 0}
        idle |= {"supply_lease_ms": 0, "charge_permits": 0}
        self.last = idle | self.last | {"heartbeat": self.heartbeat} | fields
        return self.plc.receive(MAP.block("command").encode(self.last), self.now_s)

    def command(self, opcode: Opcode, **fields: Any) -> None:
        """A new command with the next sequence number."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        clean = {"source": 0, "destination": 0, "mount": 0, "parameter_1": 0, "parameter_2": 0}
        assert self.write(**clean | {"sequence": self.sequence, "opcode": opcode} | fields)

    def run(self, seconds: float, armed: bool = True) -> None:
        """Let time pass scan by scan; armed: the controller re-arms every 50 ms."""
        for n in range(round(seconds / SCAN_S)):
            if armed and n % 5 == 0:
                self.write()
            self.now_s += SCAN_S
            self.world.advance(SCAN_S)
            self.plc.scan(self.now_s)

    def do(self, opcode: Opcode, **fields: Any) -> EchoState:
        """A command, and its end."""
        self.command(opcode, **fields)
        for _ in range(600):
            if self.echo[1] not in (EchoState.ACCEPTED, EchoState.EXECUTING):
                break
            self.run(0.05)
        return self.echo[1]

    @property
    def echo(self) -> tuple[int, EchoState, EchoResult]:
        """Sequence, state and result of the last command, as the controller reads them."""
        points = MAP.block("status").decode(self.plc.status(self.now_s)).points
        sequence, state, result = (int(points[f"echo_{name}"] or 0) for name in ("sequence", "state", "result"))
        return sequence, EchoState(state), EchoResult(result)

    @property
    def started(self) -> int:
        """How many motions were started in all."""
        return sum(self.plc.motions.values())
