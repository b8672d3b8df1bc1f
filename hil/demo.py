"""`station-ctl demo`: one truck's packs are swapped on this machine, over real wires, and the plant itself verifies it.

A broker, the plant (robot PLC, packs, truck) and the production service run as processes of their own; this one plays
the people: the operator at the console, and the driver, who parks out of tolerance first and is asked to park again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from hil.rig.station import STATION_ID, Rig, Setting, rig
from hil.view import LineView, LiveView, View
from station_ctl.uplink.messages import MetricsMessage, SwapRecord

VIN = "LZZ5CLSB8NA000001"
PACKS = 2
OUT_OF_TOLERANCE_MM = 85.0  # the PLC's tolerance is 50 mm
SWAP_S = 900.0


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo` to station-ctl."""
    verb = verbs.add_parser("demo", help="one swap on this machine, end to end, on simulated plant")
    verb.add_argument("--speed", type=_speed, default=10.0, help="plant motion is so many times faster (1..50)")
    verb.add_argument("--seed", type=int, default=1, help="seed of the plant's noise")
    verb.add_argument("--broker", choices=("mosquitto", "iotcore"), help="default: mosquitto if installed")
    verb.add_argument(
        "--json", metavar="FILE", help="write record, figures and verdict to a file, - for standard output"
    )
    verb.set_defaults(handler=main)


def _speed(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 50:
        raise argparse.ArgumentTypeError("must be 1..50: above, wire times and not the plant would set the pace")
    return value


def main(arguments: argparse.Namespace) -> int:
    """Exit status 0 only if the plant itself found the swap right."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    out = sys.stderr if arguments.json == "-" else sys.stdout
    view: View = LiveView(out) if out.isatty() else LineView(out)
    setting = Setting(speed=arguments.speed, seed=arguments.seed, broker=arguments.broker)
    try:
        verdict = asyncio.run(_swap(setting, view))
    except StationError as e:
        sys.stderr.write(f"demo: {e}\n")
        return 1
    view.close()
    out.write(verdict.text())
    if arguments.json:
        _write_json(arguments.json, verdict)
    return 0 if verdict.good else 1


@dataclass(slots=True)
class Verdict:
    """What the plant found, beside what the controller reported."""

    record: SwapRecord
    metrics: MetricsMessage
    visit: dict[str, Any]
    speed: float
    faults: list[str] = field(default_factory=list)

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
        lines += [f"  WRONG: {fault}" for fault in self.faults]
        done = "verified by the plant: right serials locked in the truck, old ones in bays"
        return "\n".join([*lines, done if self.good else "NOT verified by the plant", ""])


def _pct(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} %"


def _accepted(accepted: bool | None) -> str:
    return {True: "accepted", False: "quarantined", None: "not judged"}[accepted]


async def _swap(setting: Setting, view: View) -> Verdict:
    leaving = asyncio.Event()

    def on_event(event: dict[str, Any]) -> None:
        view.plant(event)
        if event.get("event") == "lane" and event.get("driving") == "leaving":
            leaving.set()

    async with rig(setting, on_event, view.station) as station:
        view.note(f"station {STATION_ID} is up: broker {station.broker.kind}; the operator clears and resets")
        await station.start_up()
        before = await station.plant.truth()
        await _drive_in(station, view)
        async with asyncio.timeout(SWAP_S):
            await leaving.wait()
        at_release = await station.plant.truth()
        await station.operator.until(lambda: next(iter(station.operator.records), None), 60.0, "swap record")
        await station.operator.reaches("Idle", 60.0)
        after = await station.plant.truth()
        return _judge(station, setting, before, at_release, after)


async def _drive_in(station: Rig, view: View) -> None:
    """The driver parks wrong first; the operator authorises; the driver parks again when asked."""
    await station.plant.ask(
        "truck_arrives", vin=VIN, mounts=PACKS, x_error_mm=OUT_OF_TOLERANCE_MM, y_error_mm=0.0, angle_deg=0.2
    )
    await station.operator.send("authorise", wait=False, vin=VIN)
    await station.operator.until(
        lambda: station.operator.state if _asked_to_park(station) else None, 60.0, "request to park again"
    )
    view.note("the driver parks again")
    await station.plant.ask("repark")


def _asked_to_park(station: Rig) -> bool:
    state = station.operator.state
    return state is not None and state.reason is not None and state.reason.code == "repark"


def _judge(
    station: Rig, setting: Setting, before: dict[str, Any], at_release: dict[str, Any], after: dict[str, Any]
) -> Verdict:
    operator = station.operator
    if operator.metrics is None:
        raise LookupError("no metrics were published")
    return Verdict(
        record=operator.records[0],
        metrics=operator.metrics,
        visit=at_release["visits"][0],
        speed=setting.speed,
        faults=faults(before, at_release, after),
    )


def faults(before: dict[str, Any], at_release: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What the plant holds against the swap; the controller's word plays no part.

    The right packs are the best charged of those that stood in the bays before; the truck's own are at mounts.
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
    return found


def _write_json(target: str, verdict: Verdict) -> None:
    text = json.dumps(verdict.as_dict(), indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        Path(target).write_text(text, encoding="utf-8")
