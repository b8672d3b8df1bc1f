"""Defects planted into the controller or the plant: the day has to find each, or it proves nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple

from hil.day.case import SHORT, Case
from hil.day.day import Day
from hil.day.outcome import Outcome
from station_ctl.charging import table
from station_ctl.charging.charger import Charger
from station_ctl.charging.pack_limits import PackLimits
from station_ctl.charging.share import Claim
from station_ctl.swap import choice, plan

CASE: Final = replace(SHORT, name="planted", limit_kw=700.0, from_h=6.0, hours=0.4, stock_pct=50.0)
AMPLE: Final = replace(CASE, limit_kw=2000.0, planned=False, stock_pct=80.0)


class Defect(NamedTuple):
    """name: what is wrong. finding: what the day has to say of it. plant: does it to a day that has not begun."""

    name: str
    finding: str
    plant: Callable[[Day], None]
    patches: tuple[tuple[Any, str, Any], ...] = ()
    case: Case = CASE


@contextmanager
def patched(patches: tuple[tuple[Any, str, Any], ...]) -> Iterator[None]:
    """Replace attributes for a while."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    try:
        for owner, name, value in patches:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


def _nothing(day: Day) -> None:
    """The defect is in the patches."""


def _forgets(claim: Claim, now_s: float, shown_w: float | None, *, gone: bool) -> None:
    """What was granted last is all that counts: nothing lingers, nothing shown."""
    claim.recent_w = claim.before_w = claim.granted_w
    claim.shown_w = 0.0


def _raised(day: Day) -> None:
    """The controller works by another limit than the connection point's."""
    section = day.config.grid
    limit_kw = (section.limit_kw or 0.0) * 1.12
    config = day.config.model_copy(update={"grid": section.model_copy(update={"limit_kw": limit_kw})})
    day.charger = Charger(table.load(), config)


def _miscounts(day: Day) -> None:
    """A bay's meter counts 3 % too much: too little for the controller to say that it is wrong."""
    day.yard.electrics.meters[2].faults.gain = 1.03


def _careless(*arguments: Any) -> str:
    """Whatever its charge, a pack is ready."""
    number, state, snapshot, config, _ = arguments
    return _readiness(number, state, snapshot, config, 0.0)


def _anything(limits: PackLimits, pack: object, now_s: float) -> float:
    return math.inf


_readiness = plan.readiness
DEFECTS: Final = (
    Defect(
        "the share forgets what is not measured gone",
        "grid limit exceeded",
        _nothing,
        ((Claim, "see", _forgets),),
    ),
    Defect("the controller works by a limit that is 12 % too high", "grid limit exceeded", _raised),
    Defect(
        "the promise is ignored",
        "pack handed out below promise",
        _nothing,
        ((plan, "readiness", _careless), (choice, "readiness", _careless)),
    ),
    Defect(
        "the pack type's limits are ignored",
        "pack above its limits",
        _nothing,
        ((PackLimits, "current_a", _anything),),
        AMPLE,
    ),
    Defect("a meter counts 3 % too much", "energy does not balance", _miscounts),
)


def play(defect: Defect) -> Outcome:
    """Its day with the defect in it."""
    with patched(defect.patches):
        day = Day(defect.case)
        defect.plant(day)
        return day.run()
