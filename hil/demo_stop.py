"""`station-ctl demo --stop`: somebody walks into the zone in mid-swap; whoever looks on finds out what stopped it."""

from __future__ import annotations

import asyncio
import shlex
import sys
from pathlib import Path
from typing import TextIO

from hil.rig.setting import STATION_ID, Setting
from hil.rig.station import Rig, rig
from hil.verdict import VIN
from hil.view import View
from station_ctl.uplink.state_messages import StateMessage

MOVING_S = 60.0
_ASK = """
The robot has stopped. Which condition stopped it? Three ways, each enough by itself, in another terminal:

1  now, from the broker:     {console} why --station {station} --port {port}
2  from the log:             grep "stopped by" {log}
3  from the black box:       {program} replay {blackbox}

Press Enter here to end; the files go then.
"""


async def stopped(setting: Setting, view: View, out: TextIO) -> None:
    """A station stopped by a person in the zone, until whoever runs it presses Enter, or its input ends."""
    async with rig(setting, view.plant, view.station) as station:
        await station.start_up()
        await station.plant.ask("truck_arrives", vin=VIN, mounts=1, x_error_mm=0.0, y_error_mm=0.0, angle_deg=0.0)
        await station.operator.send("authorise", wait=False, vin=VIN)
        await station.operator.until(lambda: _carries(station), MOVING_S, "robot carries a pack")
        view.note("somebody walks into the zone")
        await station.plant.ask("zone", clear=False)
        await station.operator.reaches("Aborted")
        view.close()
        out.write(instructions(station))
        out.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def _carries(station: Rig) -> StateMessage | None:
    state = station.operator.state
    return state if state is not None and state.step == "carry_to_bay" else None


def instructions(station: Rig) -> str:
    """The three commands, as they work on this machine now."""
    programs, folder = Path(sys.executable).parent, station.config.parent
    return _ASK.format(
        console=shlex.quote(str(programs / "station-console")),
        program=shlex.quote(str(programs / "station-ctl")),
        station=STATION_ID,
        port=station.broker.port,
        log=shlex.quote(str(folder / "controller.log")),
        blackbox=shlex.quote(str(folder / "blackbox")),
    )
