"""One death of the controller: of which work, when, what else happens; and what came of it. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hil.record import Violation

Work = Literal["swap", "evacuation", "charge"]
Meanwhile = Literal["", "exchanged", "bay_gone"]
"""What people do between the restart and the confirmation: nothing, exchange a pack, take a bay out of station.toml."""
BAYS = 3
SPEED: dict[Work, float] = {"swap": 200.0, "evacuation": 200.0, "charge": 20.0}
STOCK: dict[Work, list[float | None]] = {
    "swap": [95.0, 94.0],
    "evacuation": [95.0, 94.0],
    "charge": [60.0, 55.0, 50.0],
}


@dataclass(frozen=True, slots=True)
class Kill:
    """One run. write: the journal write that it dies at, 0: at an instant instead, `share` of the work's time in.

    after: when that write is done, and before anything follows from it; else before it is done.
    plc: whether the PLC is restarted meanwhile. people: what else happens before anybody confirms.
    """

    work: Work
    seed: int
    write: int = 0
    after: bool = False
    share: float = 0.0
    lasts_s: float = 0.0
    plc: bool = False
    people: Meanwhile = ""


@dataclass(slots=True)
class Found:
    """What came of one run. hit: whether it died while the work was under way. kind: of the published `recovery`.

    met: what people did has met something that was open.
    """

    kill: Kill
    hit: bool = False
    met: bool = False
    kind: str = ""
    ended: str = ""
    took_s: float = 0.0
    violations: tuple[Violation, ...] = ()

    @property
    def good(self) -> bool:
        """Nothing was wrong and the work came to its end."""
        return not self.violations and not self.ended
