"""How the station's state changes: along the edges of the tables, by orders given or refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotCommand, RobotStatus
from drivers.truck_status import TruckRequest
from station_ctl.model.state import StationState
from station_ctl.model.words import ACTING, Event, PackML, Reason
from station_ctl.safety.classes import motion_class
from station_ctl.swap import motions
from station_ctl.swap.machine import PACKML, STEP
from station_ctl.swap.table import STEPS
from station_ctl.swap.thermal_table import EVACUATION_STEPS

PHASES = (PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING)
"""The states in which a swap goes on by itself."""
_AUTOMATIC = (*PHASES, PackML.SUSPENDING, PackML.SUSPENDED, PackML.UNSUSPENDING, PackML.UNHOLDING)
EVACUATING = frozenset(s.name for s in EVACUATION_STEPS)
_AT_TRUCK = frozenset(s.name for s in STEPS if s.request is not TruckRequest.NONE) - {"release", "settle", "depart"}
_ENGAGED = _AT_TRUCK | EVACUATING
"""Steps from isolating the truck to its self-test, and an evacuation: the robot works or may at once."""


def engaged(state: StationState) -> bool:
    """True while the robot may start by itself at any moment: people must not come and go unnoticed meanwhile."""
    return state.packml in _AUTOMATIC and state.step in _ENGAGED


def worked_at(state: StationState, robot: RobotStatus | None) -> bool:
    """True while a truck that was isolated for the robot has not been given back: it has to be held where it stands.

    Not in the step `isolate`, in which the driver is only asked for it. An evacuation counts as the step it interrupts.
    Nor once the swap was ended by a person and the truck is measured gone.
    """
    if state.swap is None and robot is not None and robot.truck_present is Signal.FALSE:
        return False
    step = state.evacuation.interrupted if state.evacuation and state.step.startswith("evacuate") else state.step
    return state.packml in _AUTOMATIC and step in _ENGAGED - {"isolate"}


def go(state: StationState, trigger: str, now_s: float, reason: Reason | None = None) -> StationState:
    """Follow a PackML edge. Raises EdgeError if there is none."""
    packml = PackML(PACKML.follow(state.packml, trigger))
    return replace(state, packml=packml, reason=reason, state_since_s=now_s, refused_since_s=None, manual=None)


def at(state: StationState, name: str, now_s: float) -> StationState:
    """The state at the start of a step."""
    return replace(
        state, step=name, step_since_s=now_s, pending=None, reason=None, refused_since_s=None, done_since_s=None
    )


def abort(state: StationState, now_s: float, reason: Reason) -> StationState:
    """Into Aborting: the order under way is given up; what was open stays open for a person to decide on."""
    return replace(go(state, "abort", now_s, reason), pending=None)


def hold(state: StationState, now_s: float, reason: Reason) -> StationState:
    """Into Holding, remembering the phase to come back to."""
    phase = state.resume_to if state.packml is PackML.SUSPENDED else state.packml
    return replace(go(state, "hold", now_s, reason), resume_to=phase, pending=None)


def given(state: StationState, command: RobotCommand) -> StationState:
    """The gate let the order through: it is pending under its sequence number from now on."""
    moving = Reason("moving", f"robot: {motions.verb(command)}")
    motion = command if motion_class(command) else state.given
    return replace(state, pending=command, given=motion, sequence=command.sequence, reason=moving, refused_since_s=None)


def refused(state: StationState, reasons: tuple[str, ...], now_s: float, grace_s: float) -> StationState:
    """The gate refused the order: it is asked again for `grace_s`, then the station holds and says why."""
    since_s = state.refused_since_s if state.refused_since_s is not None else now_s
    reason = Reason("not_permitted", "; ".join(reasons))
    if now_s - since_s < grace_s:
        return replace(state, refused_since_s=since_s, reason=reason)
    if state.manual is not None:
        return replace(state, manual=None, refused_since_s=None, reason=reason)
    if state.packml in (PackML.CLEARING, PackML.RESETTING):
        return abort(state, now_s, reason)
    return hold(state, now_s, reason)


def naming_bus(before: StationState, after: StationState, can: Mapping[str, str]) -> StationState:
    """A station that stops while a CAN bus is not up says so: what it misses may be the wire's fault."""
    stops = after.packml in (PackML.ABORTING, PackML.HOLDING) and after.packml is not before.packml
    poor = ", ".join(f"CAN bus {name} is {state}" for name, state in sorted(can.items()) if state != "UP")
    if not (stops and poor and after.reason):
        return after
    return replace(after, reason=Reason(after.reason.code, f"{poor}; {after.reason.text}"))


def work_step(state: StationState) -> str:
    """The step of the swap, also while an evacuation has pre-empted it."""
    return state.evacuation.interrupted if state.evacuation and state.step in EVACUATING else state.step


def truck_request(state: StationState) -> TruckRequest:
    """What the truck is asked now. A truck that failed its self-test is isolated while a person decides."""
    step = work_step(state)
    if step == "reconnect" and (step != state.step or state.packml not in (PackML.COMPLETING, PackML.UNHOLDING)):
        return TruckRequest.ISOLATE
    return STEP[step].request


def may_move(state: StationState) -> bool:
    """False where no permit at all may reach the PLC, whatever the interlock says."""
    return state.packml in ACTING or state.manual is not None


def told(before: StationState, after: StationState) -> tuple[Event, ...]:
    events = []
    if after.packml is not before.packml:
        bad = after.packml in (PackML.ABORTING, PackML.ABORTED, PackML.HOLDING, PackML.HELD)
        text = after.reason.text if after.reason else f"{before.packml} -> {after.packml}"
        details = {"from": str(before.packml), "to": str(after.packml), "step": after.step}
        events.append(Event(f"state.{after.packml.lower()}", "warning" if bad else "info", text, details))
    if after.step != before.step:
        events.append(Event(f"step.{after.step}", "info", STEP[after.step].says, {"from": before.step}))
    if after.quarantined is not before.quarantined or after.evacuation != before.evacuation:
        events += _thermal_told(before, after)
    if after.charging is not before.charging:
        events += _charging_told(before, after)
    return tuple(events)


def _thermal_told(before: StationState, after: StationState) -> Iterator[Event]:
    """A pack goes into quarantine, an evacuation begins."""
    for name, why in after.quarantined.items():
        if before.quarantined.get(name) != why:
            text = f"pack {name} is quarantined and not handed out: {why}"
            yield Event("pack.quarantined", "warning", text, {"pack": name})
    e = after.evacuation
    if e is not None and (before.evacuation is None or before.evacuation.source != e.source):
        pack = f"pack {e.serial or 'of unknown serial'}"
        text = f"{pack} is brought from {e.source} to isolation bay {e.isolation}: {e.why}"
        yield Event("thermal.evacuation", "fault", text, {"from": str(e.source), "to": f"bay {e.isolation}"})


def _charging_told(before: StationState, after: StationState) -> Iterator[Event]:
    """Every start and every end of charging, and every trip, with its reason."""
    for number, now in after.charging.items():
        was = before.charging.get(number)
        if was is not None and now.energy_kwh is not None and now.metered and not was.metered:
            energy = {"bay": float(number), "energy_kwh": now.energy_kwh}
            yield Event("charge.metered", "info", f"bay {number}: {now.energy_kwh:g} kWh into the pack", energy)
        if was is not None and now.unmetered and not was.unmetered:
            text = f"bay {number}: the energy of the last charge is not known: {now.unmetered}"
            yield Event("charge.unmetered", "warning", text, {"bay": float(number)})
        if was is None or was.code == now.code:
            continue
        if now.code == "tripped":
            yield Event("charge.tripped", "warning", f"bay {number}: {now.reason}", {"bay": float(number)})
        elif now.permitted:
            yield Event("charge.started", "info", f"bay {number}: charging", {"bay": float(number)})
        elif was.permitted:
            yield Event("charge.ended", "info", f"bay {number}: {now.reason}", {"bay": float(number), "why": now.code})
