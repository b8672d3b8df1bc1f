"""How a recording reads to a person: what stopped the robot, what the file is, what changed when."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.robot_protocol import MotionClass, RobotCommand
from station_ctl import __version__
from station_ctl.blackbox.file import Head, Recording
from station_ctl.blackbox.trip import PLANNED, seen_last, trip
from station_ctl.cycle import Cycle
from station_ctl.model.state import StationState
from station_ctl.stopped import stopped_by
from station_ctl.swap import motions


def cause_line(recording: Recording) -> str:
    """Which condition stopped the robot: of the trip that the file was kept for, else the last one in it."""
    kept_for = [why for why in recording.head.why if not why.endswith(PLANNED) and " asked by " not in why]
    if kept_for:
        return f"stopped by: {kept_for[0]}"
    said, before = "nothing in this recording", None
    for cycle in recording.cycles:
        if why := trip(before, cycle):
            said = f"{cycle.seen.now_utc if cycle.seen else '?'} {why}"
        before = cycle
    return f"stopped by: {said}"


def head_lines(head: Head, count: int, table_sha256: str) -> list[str]:
    """What the file is."""
    other = "" if head.release == __version__ else f"; decided again by {__version__}"
    table = "this release's" if head.table_sha256 == table_sha256 else f"ANOTHER ONE, sha256 {head.table_sha256:.16}"
    return [
        f"station {head.station}, release {head.release}{other}, written {head.at_utc}, {count} cycles",
        f"tables of causes and limits: {table}",
        *(f"kept for: {why}" for why in head.why),
    ]


def _time(cycle: Cycle) -> str:
    return cycle.seen.now_utc[11:] if cycle.seen else "?"


class TimeLine:
    """Turns cycles into lines: what changed against the cycle before. zero_s: event-loop time of the trip."""

    def __init__(self, zero_s: float) -> None:
        self._zero_s = zero_s
        self._before: dict[str, str] = {}

    def changes(self, cycle: Cycle) -> Iterator[str]:
        """A line for each thing that changed."""
        now = _told(cycle)
        for name, text in now.items():
            if text and text != self._before.get(name):
                yield f"{self._at(cycle)}  {name:<9} {text}"
        self._before |= now

    def whole(self, cycle: Cycle) -> str:
        """The cycle in one line."""
        return f"{self._at(cycle)}  " + ", ".join(f"{k} {v}" for k, v in _told(cycle).items() if v)

    def _at(self, cycle: Cycle) -> str:
        if cycle.seen is None:
            return f"{'?':>12} {'?':>9}"
        return f"{_time(cycle):>13} {cycle.seen.snapshot.now_s - self._zero_s:+9.3f} s"


def _told(cycle: Cycle) -> dict[str, str]:
    decision, state, asked = seen_last(cycle), cycle.after, cycle.seen.asked if cycle.seen else ()
    refusals = cycle.decided.refusals if cycle.decided else ()
    told = {
        "asked": "; ".join(
            f"{a.verb} by {a.issuer}: {why or 'accepted'}" for a, why in zip(asked, refusals, strict=False)
        ),
        "failed": cycle.failed,
        "plc": cycle.seen.snapshot.robot_error if cycle.seen else "",
        "can": ", ".join(f"{n} {s}" for n, s in cycle.seen.snapshot.can.items()) if cycle.seen else "",
        "state": f"{state.packml} / {state.step}{_reason(state)}" if state else "",
        "command": _order(cycle.decided.command) if cycle.decided and cycle.decided.command else "",
    }
    if decision is not None:
        told["latch"] = f"LATCHED, category {decision.stop_category}" if decision.latched else "open"
        told["first-out"] = stopped_by(None, decision)
        told["active"] = ", ".join(decision.active) or "no cause"
        told["permits"] = _classes(decision.permits)
        told["thermal"] = "; ".join(f"{place}: {why}" for place, why in decision.thermal.items())
    if cycle.block is not None:
        told["written"] = f"lease {cycle.block.lease_ms} ms, {_classes(cycle.block.permits)}, {_stop(cycle)}"
    return told


def _reason(state: StationState) -> str:
    return f" ({state.reason.code}: {state.reason.text})" if state.reason else ""


def _order(command: RobotCommand) -> str:
    return f"{motions.verb(command)}, sequence {command.sequence}"


def _stop(cycle: Cycle) -> str:
    category = cycle.block.stop_category if cycle.block else 0
    return f"stop category {category}" if category else "no stop"


def _classes(permits: MotionClass) -> str:
    return "+".join(c.name.lower() for c in MotionClass if c & permits and c.name) or "nothing"
