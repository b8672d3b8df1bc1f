"""`station-ctl demo`: a truck's packs are swapped and charged here, over real wires, and the plant itself verifies it.

A broker, the plant (robot PLC, packs, truck, chargers, meters) and the production service run as processes of their
own; this one plays the people: the operator at the console, and the driver, who parks out of tolerance first and is
asked to park again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from hil.demo_stop import stopped
from hil.rig.setting import STATION_ID, Setting
from hil.rig.station import Rig, rig
from hil.verdict import PACKS, VIN, Verdict, faults
from hil.view import LineView, LiveView, View
from station_ctl.uplink.place_messages import BayMessage

OUT_OF_TOLERANCE_MM = 85.0  # the PLC's tolerance is 50 mm
SWAP_S = 900.0
GRID_KW = 300.0
"""Less than two chargers would draw: the bays share it."""
SHOWN_KWH = 0.03
"""So much goes into each of the truck's old packs before the demo ends, by the bays' meters."""


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo` to station-ctl."""
    verb = verbs.add_parser("demo", help="one swap on this machine, end to end, on simulated plant")
    verb.add_argument("--speed", type=_speed, default=10.0, help="plant motion is so many times faster (1..50)")
    verb.add_argument("--seed", type=int, default=1, help="seed of the plant's noise")
    verb.add_argument("--broker", choices=("mosquitto", "iotcore"), help="default: mosquitto if installed")
    verb.add_argument(
        "--json", metavar="FILE", help="write record, figures and verdict to a file, - for standard output"
    )
    verb.add_argument("--stop", action="store_true", help="somebody walks in: find out what stopped the robot")
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
    setting = Setting(speed=arguments.speed, seed=arguments.seed, broker=arguments.broker, grid_kw=GRID_KW, soc=True)
    try:
        if arguments.stop:
            asyncio.run(stopped(setting, view, out))
            return 0
        verdict = asyncio.run(_swap(setting, view))
    except StationError as e:
        sys.stderr.write(f"demo: {e}\n")
        return 1
    view.close()
    out.write(verdict.text())
    if arguments.json:
        _write_json(arguments.json, verdict)
    return 0 if verdict.good else 1


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
        view.note("the truck's old packs are charged, within the station's share of the grid")
        await station.operator.until(
            lambda: station.operator.state if all(map(_shown, _old_packs(station))) else None, 120.0, "charge"
        )
        charged, after = _old_packs(station), await station.plant.truth()
        return _judge(station, setting, before, at_release, after, charged)


def _old_packs(station: Rig) -> tuple[BayMessage, ...]:
    """The bays of the packs that the truck brought."""
    return tuple(station.operator.bays[e.bay_in] for e in station.operator.records[0].exchanges if e.bay_in)


def _shown(bay: BayMessage) -> bool:
    return bay.phase == "charging" and (bay.charged_kwh or 0.0) >= SHOWN_KWH


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
    station: Rig,
    setting: Setting,
    before: dict[str, Any],
    at_release: dict[str, Any],
    after: dict[str, Any],
    charged: tuple[BayMessage, ...],
) -> Verdict:
    operator = station.operator
    if operator.metrics is None:
        raise LookupError("no metrics were published")
    return Verdict(
        record=operator.records[0],
        metrics=operator.metrics,
        visit=at_release["visits"][0],
        speed=setting.speed,
        faults=faults(before, at_release, after, GRID_KW),
        charged=charged,
    )


def _write_json(target: str, verdict: Verdict) -> None:
    text = json.dumps(verdict.as_dict(), indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        Path(target).write_text(text, encoding="utf-8")
