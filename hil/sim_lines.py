"""What a harness and the sim say to each other: lines of JSON on standard input and output.

One request a line on standard input: {"do": <verb>, "id": <anything, repeated in the answer>, ...arguments}. One answer
a line on standard output, {"id": ..., "ok": true, ...} or {"id": ..., "error": "..."}. Signals are true, false,
"untrusted" or "not_available".

    truck_arrives  vin, mounts (2), soc_pct (12), serials ([...]), x_error_mm, y_error_mm, angle_deg (not given: drawn)
    repark         x_error_mm, y_error_mm, angle_deg (not given: drawn, in tolerance)
    drive_off      -: a truck that is not clamped leaves as it came
    store          bay, serial, soc_pct (90)
    charge         soc_pct (95): every pack that stands in a bay has this charge at once
    speed          times (1): the plant's motion is so many times faster from now on
    zone | fire | platform   clear (false)         doors   closed (false)         estop   released (false)
    smoke          bay, clear (false)
    sensor         name ("zone_clear", "mount.1.locked", "bay.3.occupied"), shows ("untrusted"), mended (false)
    mode           mode (production | maintenance | manual), local_enable (false)
    contactor      mount, closed: a main contactor of that pack welds or lets go
    wear           name (as for sensor; also "load_kg" and other measured values), mended (false); a switch: delay_s,
                   chatter_s (after each change); a measured value: noise (standard deviation), offset, frozen (false)
    jam_lock       mount or bay, jammed (true)
    supply_weld    bay, welded (true): the contactor of that bay's supply stays closed
    roll           speed_mm_s (40; + is backwards, 0 stops it), despite_clamps (false): the parking brake slips
    brake          applied (true), holds (true): of the truck in the lane
    thermal_runaway  serial, mount or bay, short_w (3000), alarm_s (0..300 after running away; not given: drawn),
                   fire_s (600 after running away): a cell of that pack shorts inside
    pack_fault     serial, mount or bay, fault (a field of hil.plant.pack.PackFaults), value (true)
    truck_fault    fault (a field of hil.plant.truck.TruckFaults), value (true)
    charger_fault  bay, fault (a field of hil.plant.charger.ChargerFaults), value (true; a number where it is one)
    meter_fault    bay (not given: the grid's), fault (a field of hil.plant.meter.MeterFaults), value (true)
    meter_reset    bay (not given: the grid's), serial (not given: the registers are set to zero; else: exchanged)
    person         acts: a person's time counts as none of the controller's
    fault          fault {"kind": ..., ...}: one of hil.faults.catalogue, modbus.* (with --wire-faults) or can.*
    heal           kind (not given: all)
    wire           what the faults did so far: {"counters": of Modbus, "can": {bus: counters}}, as fault and heal answer
    power_cut | power_return   of the PLC
    truth          {"truth": World.truth() with the PLC's motions, counters, dangers and stop latencies}

Unasked come {"event": "ready", ...} once all peers listen, {"event": "lane", "driving": ..., "vin": ...} when the truck
does something else, {"event": "stop", ...} when the PLC stops a motion, and {"event": "truck_rolls", ...} and
{"event": "truck_rolled", "moved_mm": ...} when a truck begins to roll and stands again.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from hil.sim_args import RequestError
from hil.sim_bench import Bench
from hil.sim_commands import answer

LONGEST_LINE = 65536


async def converse(bench: Bench, lines: asyncio.Queue[bytes | None]) -> None:
    while True:
        line = await lines.get()
        if line is None:
            return
        if line.strip():
            emit(await reply(bench, line))


async def reply(bench: Bench, line: bytes) -> dict[str, Any]:
    """The answer to one line, whatever it holds."""
    try:
        request = json.loads(line)
    except ValueError as e:
        return {"error": f"not JSON: {e}"}
    if not isinstance(request, dict):
        return {"error": "a request is an object with 'do'"}
    head = {"id": request["id"]} if "id" in request else {}
    try:
        return head | {"ok": True} | await answer(bench, request)
    except RequestError as e:
        return head | {"error": str(e)}


def emit(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def read_stdin(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes | None]) -> None:
    """Lines from standard input, whatever it is (pipe, file, terminal), by a thread: not all of them can be polled."""

    def hand_over(line: bytes | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        rest = b""
        with suppress(RuntimeError, asyncio.CancelledError):  # the loop has ended before the input
            while chunk := os.read(0, LONGEST_LINE):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    hand_over(line)
                rest = rest[-LONGEST_LINE:]
            hand_over(None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
