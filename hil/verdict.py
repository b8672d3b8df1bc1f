"""What the plant found of the demo's swap, for a person and for programs. The controller's word plays no part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from station_ctl.uplink.place_messages import BayMessage
from station_ctl.uplink.record_messages import ChargePart, MetricsMessage, SwapRecord

VIN = "LZZ5CLSB8NA000001"
PACKS = 2
"""The demo's truck, and how many packs it has swapped."""


@dataclass(slots=True)
class Verdict:
    """What the plant found, beside what the controller reported."""

    record: SwapRecord
    metrics: MetricsMessage
    visit: dict[str, Any]
    speed: float
    faults: list[str] = field(default_factory=list)
    charged: tuple[BayMessage, ...] = ()

    @property
    def good(self) -> bool:
        """True if the plant found nothing wrong."""
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "verified_by_plant": self.good,
            "faults": self.faults,
            "record": self.record.model_dump(mode="json", by_alias=True),
            "metrics": self.metrics.model_dump(mode="json", by_alias=True),
            "visit": self.visit,
            "charged": [bay.model_dump(mode="json", by_alias=True) for bay in self.charged],
            "speed": self.speed,
        }

    def text(self) -> str:
        """The swap record and the figures, for a person."""
        visit, metrics = self.visit, self.metrics
        lines = ["", f"Swap {self.record.swap_id}: {self.record.outcome}, authorised by {self.record.authorised_by}"]
        for e in self.record.exchanges:
            lines.append(
                f"  mount {e.mount}: {e.serial_out} ({_pct(e.soc_out_pct)}) -> bay {e.bay_in}, "
                f"{e.serial_in} ({_pct(e.soc_in_pct)}) <- bay {e.bay_out}; old pack {_accepted(e.accepted)}"
            )
            lines += [_estimated(e.serial_out, e.arrival_provisional)] if e.arrival_provisional else []
        total, floor = visit["duration_s"], visit["acting_s"]
        lines += [
            f"  swap time       {total:.1f} s at {self.speed:g} x; mechanical floor {floor:.1f} s "
            "(robot, truck or person acting)",
            f"  controller adds {total - floor:.1f} s; at speed 1 the floor is about {floor * self.speed:.0f} s",
            f"  cycle period    p50 {metrics.cycle_period_ms.p50:.1f}, p99 {metrics.cycle_period_ms.p99:.1f}, "
            f"max {metrics.cycle_period_ms.max:.1f} ms; overruns {metrics.overruns}",
            f"  Modbus          round trip p50 {metrics.modbus_round_trip_ms.p50:.2f}, "
            f"p99 {metrics.modbus_round_trip_ms.p99:.2f}, max {metrics.modbus_round_trip_ms.max:.2f} ms",
            f"  CAN             {metrics.can_frames} frames",
        ]
        lines += [_charge(bay) for bay in self.charged]
        lines += [f"  WRONG: {fault}" for fault in self.faults]
        done = "verified by the plant: right serials locked in the truck, old ones in bays and charged"
        return "\n".join([*lines, done if self.good else "NOT verified by the plant", ""])


def _pct(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} %"


def _estimated(serial: str | None, had: ChargePart) -> str:
    return (
        f"    {serial} came with {had.soc_pct:.0f} % by the station's estimate, nine times in ten "
        f"{had.soc_p05_pct:.0f} to {had.soc_p95_pct:.0f} % (provisional until its full charge)"
    )


def _charge(bay: BayMessage) -> str:
    return (
        f"  bay {bay.bay} charges  {bay.serial}: {bay.current_a or 0.0:.0f} A, {bay.power_kw or 0.0:.0f} kW, "
        f"limited by {bay.limited_by}, {bay.charged_kwh or 0.0:.2f} kWh so far by its meter"
    )


def _accepted(accepted: bool | None) -> str:
    return {True: "accepted", False: "quarantined", None: "not judged"}[accepted]


def faults(
    before: dict[str, Any], at_release: dict[str, Any], after: dict[str, Any], grid_kw: float | None = None
) -> list[str]:
    """What the plant holds against the swap; the controller's word plays no part.

    The right packs are the best charged of those that stood in the bays before; the truck's own are at mounts.
    grid_kw: no more than this may be drawn.
    """
    stock = sorted((s for s in before["bays"].values() if s), key=lambda s: -before["packs"][s])
    right, mounts = set(stock[:PACKS]), at_release["mounts"]
    found = [f"mount {n} holds {s}" for n, s in mounts.items() if s not in right]
    found += [f"mount {n} is not locked" for n, locked in at_release["mounts_locked"].items() if not locked]
    found += [f"{len(mounts)} mounts, expected {PACKS}"] if len(mounts) != PACKS else []
    in_bays = {s for s in after["bays"].values() if s}
    old = {f"TRK{VIN[-1]}-{n:08d}" for n in range(1, PACKS + 1)}
    found += [f"old pack {s} is in no bay" for s in sorted(old - in_bays)]
    found += [f"pack {s} was lost" for s in sorted(set(stock) - right - in_bays)]
    found += [f"the plant saw: {v}" for v in after["violations"]]
    found += [f"command {m['sequence']} ran {m['started']} times" for m in after["motions"] if m["started"] != 1]
    drawn_w = after.get("grid_w", 0.0)
    found += [f"{drawn_w:.0f} W drawn of {grid_kw:g} kW"] if grid_kw is not None and drawn_w > grid_kw * 1000 else []
    return found
