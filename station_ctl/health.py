"""How the control cycle itself is doing since the start of the service."""

from __future__ import annotations

from dataclasses import dataclass, field

from station_ctl.stats import Distribution


@dataclass(slots=True)
class Health:
    """Its times and how often something went wrong.

    period, lateness, work: seconds from start to start, behind the due time, and from start to end of a cycle.
    unsaid: set points that a charger's driver could not carry, each until it changed.
    """

    period: Distribution = field(default_factory=Distribution)
    lateness: Distribution = field(default_factory=Distribution)
    work: Distribution = field(default_factory=Distribution)
    cycles: int = 0
    overruns: int = 0
    failed_writes: int = 0
    unsaid: int = 0
    failed_cycles: int = 0
