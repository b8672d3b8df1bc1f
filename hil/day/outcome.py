"""What came of a day: its figures, its record, and what does not hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hil.day.accounts import Accounts
from hil.day.case import PROMISED_PCT, Case
from hil.day.lane import Served
from hil.day.peak import Peak
from hil.day.strain import Worst


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the record. Powers are means in W, most_w the greatest of all; ready, waiting: at its end."""

    at_s: float
    packs_w: float
    losses_w: float
    others_w: float
    most_w: float
    ready: int
    waiting: int
    charging: int


@dataclass(slots=True)
class Outcome:
    """What came of a day. metered_kwh, unmetered: what the controller's own charges brought, and how many it cannot
    know. ended: charges by how they ended. cpu_s: processor time."""

    case: Case
    peak: Peak
    accounts: Accounts
    worst: Worst
    served: Served
    waiting: int = 0
    metered_kwh: float = 0.0
    charges: int = 0
    unmetered: int = 0
    arcs: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    record: list[Minute] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def below(self) -> list[float]:
        """True charge of each pack that was handed out although its BMS, in whole per cent, told less than promised,
        or that held more than its rounding less."""
        return [h.true_pct for h in self.served.handed if h.told_pct < PROMISED_PCT or h.true_pct < PROMISED_PCT - 0.5]

    @property
    def found(self) -> list[str]:
        """What does not hold, in words; empty if all does."""
        checks = {
            "grid limit exceeded": self.peak.over_steps > 0,
            "energy does not balance": not self.accounts.closed,
            "pack handed out below promise": bool(self.below),
            "pack above its limits": self.worst.over_looks > 0,
            "nothing was charged": self.accounts.counted <= 0.0,
        }
        return [name for name, wrong in checks.items() if wrong]
