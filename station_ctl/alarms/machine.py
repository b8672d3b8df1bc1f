"""Conditions of the machine: the PLC and its robot, the CAN buses, the smoke detectors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drivers.reading import Signal
from drivers.robot_protocol import RobotState, RobotStatus
from station_ctl.alarms.look import Found, Look
from station_ctl.alarms.places import identifier
from station_ctl.alarms.record import Condition
from station_ctl.config import Config
from station_ctl.model.look import Snapshot

_CAN = {"DOWN": "can.down", "BUS_OFF": "can.bus_off", "ERROR_PASSIVE": "can.error_passive"}


def plc(look: Look, covered: Mapping[str, str]) -> Found:
    """The PLC and its robot. A cause that one of these alarms stands for marks it as the first to have tripped.

    covered: the code of the alarm that stands for a cause.
    """
    snapshot, robot = look.snapshot, look.snapshot.robot
    first = look.decision.first_out if look.decision.latched else None
    found: Found = {}
    if robot is None:
        found["plc.not_readable"] = Condition(snapshot.robot_error)
    elif not look.alive:
        still = robot.heartbeat_changed_s < robot.received_s
        found["plc.heartbeat_still" if still else "plc.not_readable"] = Condition()
    if robot is not None and robot.state is RobotState.FAULTED:
        found["plc.faulted"] = Condition(f"the robot is faulted, fault code {robot.fault_code}")
    code = covered.get(first) if first else None
    return {name: replace(c, first_out=name == code) for name, c in found.items()}


def buses(snapshot: Snapshot, config: Config) -> Found:
    """A bus that is silent is an alarm only where somebody is there to be heard."""
    found = {}
    for name, state in snapshot.can.items():
        code = "can.silent" if state == "SILENT" and _somebody(name, snapshot.robot, config) else _CAN.get(state)
        if code is not None:
            found[identifier(code, name)] = Condition()
    return found


def _somebody(bus: str, robot: RobotStatus | None, config: Config) -> bool:
    if robot is None:
        return False
    trucks = bus == config.truck.bus and robot.truck_present is Signal.TRUE
    return trucks or (bus == config.packs.bus and any(b.occupied is Signal.TRUE for b in robot.bays))


def smoke(robot: RobotStatus | None) -> Found:
    """The detectors over the bays: smoke, and one that is not known good."""
    found = {}
    for number, sensors in enumerate(robot.bays if robot else (), 1):
        if sensors.smoke_clear is Signal.FALSE:
            found[identifier("smoke.bay", f"bay-{number}")] = Condition()
        elif sensors.smoke_clear is not Signal.TRUE:
            found[identifier("smoke.detector", f"bay-{number}")] = Condition(sensors.smoke_clear.name.lower())
    return found
