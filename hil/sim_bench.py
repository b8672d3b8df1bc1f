"""The running plant with its peers, and all that is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil.peers.faults import FaultProxy
from hil.peers.faulty_bus import FaultyBus
from hil.peers.robot_plc import RobotPlc
from hil.plant.places import Place
from hil.plant.world import World


@dataclass(slots=True)
class Bench:
    """What the commands act on. proxy is None unless the sim was started with --wire-faults; buses by name."""

    world: World
    robot: RobotPlc
    proxy: FaultProxy | None = None
    buses: dict[str, FaultyBus] = field(default_factory=dict)

    def bay(self, number: int) -> Place:
        """A bay of the plant. Raises ValueError if there is none of that number."""
        if number not in self.world.bays:
            raise ValueError(f"there is no bay {number}")
        return self.world.bays[number]


def truth(bench: Bench) -> dict[str, Any]:
    """World.truth() with what the PLC counted."""
    plc = bench.robot.plc
    outcomes = plc.outcomes
    return bench.world.truth() | {
        "motions": [
            {
                "sequence": s,
                "opcode": o.name,
                "started": n,
                "outcome": outcomes[s, o].name if (s, o) in outcomes else None,
            }
            for (s, o), n in plc.motions.items()
        ],
        "plc": {
            "state": plc.state.name,
            "stop_reason": plc.stop_reason.name,
            "motions_started": plc.retained.motions_started,
            "counters": dict(plc.counters),
            "requests": bench.robot.requests,
        },
        "stop_latencies_s": plc.dangers.stop_latencies_s,
        "dangers": [
            {"kind": d.kind, "stopped_after_s": None if d.stopped_at_s is None else d.stopped_at_s - d.at_s}
            for d in plc.dangers.dangers
        ],
    }
