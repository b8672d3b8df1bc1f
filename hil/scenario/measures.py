"""What a scenario can measure, each in its unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from drivers.errors import StationError
from hil.scenario.words import one_of
from station_ctl.uplink.place_messages import BayMessage
from station_ctl.uplink.record_messages import MetricsMessage, SwapRecord


class MeasureError(StationError):
    """There is nothing to measure yet."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What measures are taken from. since_s: since the mark that was named; highest_load_kg: of all samples."""

    truth: dict[str, Any]
    records: Sequence[SwapRecord]
    bays: Sequence[BayMessage]
    metrics: MetricsMessage | None
    since_s: float
    highest_load_kg: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. what: for a person."""

    unit: str
    what: str
    take: Callable[[Findings], float]


def _swap_s(found: Findings) -> float:
    if not found.records:
        raise MeasureError("no swap is recorded", where="measure")
    return found.records[-1].duration_s


def _visit(found: Findings) -> dict[str, Any]:
    done = [v for v in found.truth["visits"] if v["duration_s"] is not None]
    if not done:
        raise MeasureError("no truck was released", where="measure")
    visit: dict[str, Any] = done[-1]
    return visit


def _added_s(found: Findings) -> float:
    visit = _visit(found)
    return float(visit["duration_s"] - visit["acting_s"])


def _withdrawn_s(found: Findings) -> float:
    dangers = found.truth["dangers"]
    if not dangers:
        raise MeasureError("no danger was seen while something was permitted", where="measure")
    open_ones = [d["kind"] for d in dangers if d["stopped_after_s"] is None]
    if open_ones:
        raise MeasureError("a danger was never answered by withdrawing the permit", where="measure", value=open_ones)
    return max(float(d["stopped_after_s"]) for d in dangers)


def _cycle_p99_s(found: Findings) -> float:
    if found.metrics is None:
        raise MeasureError("no metrics were heard", where="measure")
    return found.metrics.cycle_period_ms.p99 / 1000


def _overruns(found: Findings) -> float:
    if found.metrics is None:
        raise MeasureError("no metrics were heard", where="measure")
    return float(found.metrics.overruns)


def _outside_pct(found: Findings) -> float:
    told = [bay for bay in found.bays if bay.serial in found.truth["packs"] and bay.soc_p05_pct is not None]
    if not told:
        raise MeasureError("no pack's charge is estimated", where="measure")
    return max(_outside(found.truth["packs"][bay.serial], bay) for bay in told)


def _outside(true_pct: float, told: BayMessage) -> float:
    return max((told.soc_p05_pct or 0.0) - true_pct, true_pct - (told.soc_p95_pct or 100.0), 0.0)


MEASURES: dict[str, Measure] = {
    "since": Measure("s", "time since a mark", lambda f: f.since_s),
    "swap_duration": Measure("s", "duration of the last recorded swap", _swap_s),
    "lane_time": Measure("s", "last truck: from arrival to the way out", lambda f: float(_visit(f)["duration_s"])),
    "controller_added": Measure("s", "last truck: what is neither robot, truck nor person acting", _added_s),
    "danger_to_withdrawal": Measure("s", "longest time from a danger to the permit withdrawn at the PLC", _withdrawn_s),
    "highest_load": Measure("kg", "highest load on the robot", lambda f: f.highest_load_kg),
    "estimate_outside": Measure("%", "true charge farthest out of its estimate's interval", _outside_pct),
    "motions": Measure("times", "motions begun", lambda f: float(f.truth["plc"]["motions_started"])),
    "cycle_p99": Measure("s", "control cycle, 99th percentile of the last second", _cycle_p99_s),
    "overruns": Measure("times", "control cycles that took too long", _overruns),
}
"""Every measure by name."""

MeasureName = Annotated[str, one_of("measure", list(MEASURES))]
