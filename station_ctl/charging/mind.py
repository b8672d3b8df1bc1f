"""What a bay remembers, and how it is written down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Mind:
    """What a bay remembers between two cycles. Times are event-loop seconds.

    since_s: when its permit was given. not_before_s, due_s: of the next start, of the next look. odd_s: since when its
    supply is closed without a permit. bare_s: since when seat and coupler see no pack and its BMS is silent. wanted_s:
    since when the robot is to come. serial: of the pack that was there when its latch closed, '' if nobody knew. full:
    serial of the pack that was charged full. asked: a person has cleared or that pack has left, the latch has not been
    asked yet. stalled, stalled_s: the controller itself was silent for too long (code and reason), and when it noticed.
    level: of the reset line as the kernel saw it last.
    """

    permitted: bool = False
    since_s: float = 0.0
    not_before_s: float = 0.0
    due_s: float = 0.0
    odd_s: float | None = None
    bare_s: float | None = None
    wanted_s: float | None = None
    serial: str = ""
    full: str | None = None
    asked: bool = False
    level: bool = True
    latched: bool = True
    tripped: str = ""
    quarantine: str = ""
    soc_pct: float = math.inf
    live: bool = False
    stalled: tuple[str, str] = ("", "")
    stalled_s: float = -math.inf


def tuples(value: Any) -> Any:
    """Lists as tuples, all the way down: JSON knows no tuples."""
    return tuple(tuples(v) for v in value) if isinstance(value, Sequence) and not isinstance(value, str) else value
