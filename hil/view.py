"""How a person sees a run: a live screen on a terminal, one line a step elsewhere."""

from __future__ import annotations

import time
from typing import Any, Protocol, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from station_ctl.uplink.message import Message
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.state_messages import StateMessage

SAFETY = "Supervisory second layer, not certified: emergency stop and guarding of people are hard-wired."
NOTES = 4


class View(Protocol):
    """Where a run is shown."""

    def note(self, text: str) -> None:
        """What the people do."""

    def plant(self, event: dict[str, Any]) -> None:
        """What the plant does by itself."""

    def station(self, kind: str, message: Message) -> None:
        """What the station says."""

    def close(self) -> None:
        """Leave the screen as it is."""


def _why(state: StateMessage) -> str:
    return state.reason.text if state.reason else ""


def _what(event: dict[str, Any]) -> str:
    if event.get("event") == "lane":
        return f"truck {event.get('vin') or ''}: {event.get('driving')}"
    return f"plant: {event.get('event')} " + ", ".join(
        f"{k} {v}" for k, v in event.items() if k not in ("event", "at_s")
    )


class LineView:
    """One line a step."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._began_s = time.monotonic()
        self._shown: tuple[object, ...] = ()
        self._phases: dict[int, str] = {}
        self._line(SAFETY)

    def note(self, text: str) -> None:
        """What the people do."""
        self._line(text)

    def plant(self, event: dict[str, Any]) -> None:
        """What the plant does by itself."""
        self._line(_what(event))

    def station(self, kind: str, message: Message) -> None:
        """A new step or reason is a line, and a new phase of a charge."""
        if isinstance(message, BayMessage):
            self._bay(message)
        if not isinstance(message, StateMessage):
            return
        key = (message.packml, message.step, message.reason.code if message.reason else "")
        if key != self._shown and (message.reason is not None or key[:2] != self._shown[:2]):
            self._shown = key
            pack = f"pack {message.exchange}/{message.exchanges} " if message.exchanges else ""
            self._line(f"{message.packml:<12} {message.step:<15} {message.progress_pct:>3.0f} %  {pack}{_why(message)}")

    def _bay(self, bay: BayMessage) -> None:
        before = self._phases.get(bay.bay, "")
        self._phases[bay.bay] = bay.phase
        if bay.phase and bay.phase != before:
            power = f", {bay.power_kw:.0f} kW, limited by {bay.limited_by}" if bay.power_kw and bay.limited_by else ""
            self._line(f"bay {bay.bay}: {bay.serial or 'pack'} {bay.phase.replace('_', ' ')}{power}")

    def close(self) -> None:
        """Nothing to restore."""

    def _line(self, text: str) -> None:
        self._out.write(f"{time.monotonic() - self._began_s:7.2f} s  {text}\n")
        self._out.flush()


class LiveView:
    """Lane, robot, bays, the step and why it waits, progress: redrawn in place."""

    def __init__(self, out: TextIO) -> None:
        self._state: StateMessage | None = None
        self._truck: TruckMessage | None = None
        self._bays: dict[int, BayMessage] = {}
        self._notes: list[str] = []
        self._live = Live(self._screen(), console=Console(file=out), refresh_per_second=8, get_renderable=self._screen)
        self._live.start()

    def note(self, text: str) -> None:
        """What the people do."""
        self._notes = [*self._notes, text][-NOTES:]

    def plant(self, event: dict[str, Any]) -> None:
        """What the plant does by itself."""
        self.note(_what(event))

    def station(self, kind: str, message: Message) -> None:
        """Keep the newest of each."""
        match message:
            case StateMessage():
                self._state = message
            case TruckMessage():
                self._truck = message
            case BayMessage():
                self._bays[message.bay] = message

    def close(self) -> None:
        """Stop redrawing; the last screen stays."""
        self._live.stop()

    def _screen(self) -> Panel:
        parts: list[RenderableType] = [
            self._head(),
            self._lane(),
            self._bay_table(),
            Text("\n".join(self._notes), style="dim"),
            Text(SAFETY),
        ]
        return Panel(Group(*parts), title="station-ctl demo: simulated plant, real wires")

    def _head(self) -> Group:
        state = self._state
        if state is None:
            return Group(Text("starting ..."))
        style = "bold red" if state.packml in ("Aborted", "Held", "Aborting") else "bold"
        line = Text.assemble((state.packml, style), "  step ", (state.step, "bold"), f"  {_why(state)}")
        robot = state.robot
        where = (
            "not known" if robot.x_mm is None else f"x {robot.x_mm:.0f} z {robot.z_mm:.0f} mm, load {robot.load_kg} kg"
        )
        latch = f"  INTERLOCK LATCHED {state.interlock.first_out or ''}" if state.interlock.latched else ""
        progress = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=100, completed=state.progress_pct, width=50)
        progress.add_row(bar, f"{state.progress_pct:.0f} %, pack {state.exchange}/{state.exchanges}")
        return Group(line, Text(f"robot {robot.state}, {where}{latch}"), progress)

    def _lane(self) -> Table:
        table = Table("lane", "serial", "charge", "seated", "locked", "contactor closed", box=SIMPLE_HEAD)
        truck = self._truck
        for m in truck.mounts if truck else ():
            if m.seated == "not_available":
                continue  # the truck has no such mount
            charge = "" if m.soc_pct is None else f"{m.soc_pct:.0f} %"
            table.add_row(f"mount {m.mount}", m.serial or "-", charge, m.seated, m.locked, m.contactor_closed)
        if not (truck and truck.mounts):
            table.add_row("no truck", "", "", "", "", "")
        return table

    def _bay_table(self) -> Table:
        table = Table("bay", "serial", "charge", "state", "charging", "why not ready", box=SIMPLE_HEAD)
        for number, b in sorted(self._bays.items()):
            charge = "" if b.soc_pct is None else f"{b.soc_pct:.0f} %"
            flows = f"{b.power_kw:.0f} kW, {b.limited_by}" if b.phase and b.power_kw else b.phase.replace("_", " ")
            table.add_row(str(number), b.serial or "-", charge, b.state, flows, b.reason or "")
        return table
