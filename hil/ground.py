"""What a scenario is played on. Three grounds have this shape: virtual, local and rig."""

from __future__ import annotations

from typing import Any, Protocol

from hil.faults.catalogue import Fault
from hil.rig.operator import Operator


class Ground(Protocol):
    """A station, its plant, and a person at the console. Durations are of the running loop's clock.

    name:         virtual, local or rig.
    capabilities: what a scenario may need here, e.g. "fault.modbus", "fault.can", "fault.broker", "fault.disk",
                  "fault.wall_clock", "kill", "plc_power", "truth", "cycle_invariants".
    """

    name: str
    capabilities: frozenset[str]
    operator: Operator

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the plant (the verbs of hil.sim_lines). Raises StationError if it is refused."""

    async def inject(self, fault: Fault) -> None:
        """Switch a fault on. Raises StationError if this ground cannot do it."""

    async def heal(self, kind: str | None = None) -> None:
        """Switch faults of a kind off; None: all of them."""

    async def kill(self) -> None:
        """End the controller as a power cut of its PC would: nothing of it runs on, nothing more reaches a wire."""

    async def start(self) -> None:
        """Start the controller again, from what its journal holds."""
