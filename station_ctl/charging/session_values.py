"""What a charge looks at, what it remembers, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.charger_status import ChargerStatus


@dataclass(frozen=True, slots=True)
class End:
    """How a charge ended. failed: something did not do what it should."""

    code: str
    reason: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class SessionLook:
    """What a charge looks at.

    status: of a charger that is alive, else None. cold: the pack is too cold to be charged, and could be warmed.
    closed: the supply is measured closed. current_a: the most measured. pack_v: None if not known. limit_v: where
    constant voltage begins. spread_mv: between the cells, None if not known; uneven_mv, balance_s: what is balanced,
    and for how long at most. room: the bay's share of the grid is enough for a charger that is on. finish: why the
    charge should end in the ordinary way.
    """

    now_s: float
    status: ChargerStatus | None
    cold: bool = False
    closed: bool = False
    current_a: float | None = None
    pack_v: float | None = None
    limit_v: float = 0.0
    spread_mv: float | None = None
    uneven_mv: float = 0.0
    balance_s: float = 0.0
    room: bool = True
    finish: End | None = None


@dataclass(slots=True)
class SessionMind:
    """What is remembered.

    since_s: when the phase began. dropped_s: since when the charger does not do what it is asked. code, reason: of the
    end that is being ramped down for. balanced: it was done in this charge.
    """

    phase: str = "ready"
    since_s: float = 0.0
    dropped_s: float | None = None
    code: str = ""
    reason: str = ""
    balanced: bool = False
