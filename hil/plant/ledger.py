"""Accounts of a run: when who was acting, what went wrong, how long each truck was here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Visit:
    """One truck's stay, in wall seconds of the bench's clock. acting_s is the mechanical floor of the visit.

    truck_s holds what the truck does and the wake-up of packs whose coupler has mated.
    """

    vin: str
    arrived_s: float
    released_s: float | None = None
    left_s: float | None = None
    acting_s: float = 0.0
    robot_s: float = 0.0
    truck_s: float = 0.0
    person_s: float = 0.0

    @property
    def duration_s(self) -> float | None:
        """From arrival to the way out being open; None before that."""
        return None if self.released_s is None else self.released_s - self.arrived_s


class Ledger:
    """What the plant itself knows of the run; the controller's word plays no part in it."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.events: list[dict[str, Any]] = []
        self.violations: list[dict[str, Any]] = []

    def visit(self) -> Visit | None:
        """The stay that is being accounted, if the truck is not released yet."""
        last = self.visits[-1] if self.visits else None
        return last if last is not None and last.released_s is None else None

    def add(self, robot_s: float, truck_s: float, person_s: float, dt_s: float) -> None:
        """Account one tick: how much of its dt_s each was acting; they overlap, the floor is their union."""
        visit = self.visit()
        if visit is not None:
            visit.robot_s += robot_s
            visit.truck_s += truck_s
            visit.person_s += person_s
            visit.acting_s += min(max(robot_s, truck_s, person_s), dt_s)

    def event(self, now_s: float, kind: str, **details: Any) -> None:
        """Remember a danger or a stop."""
        self.events.append({"at_s": round(now_s, 4), "kind": kind, **details})

    def violation(self, now_s: float, what: str, **details: Any) -> None:
        """Remember what must never happen; once for as long as it lasts is the caller's to see to."""
        self.violations.append({"at_s": round(now_s, 4), "what": what, **details})

    def as_dict(self) -> dict[str, Any]:
        """All of it, as plain values."""
        visits = [asdict(v) | {"duration_s": v.duration_s} for v in self.visits]
        return {"visits": visits, "events": list(self.events), "violations": list(self.violations)}
