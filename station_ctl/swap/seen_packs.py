"""What the station has seen of packs at its places: who told its serial where, since when a place is bare. Pure.

One status block says little: a switch that flickers, or a PLC that restarts, empties no place. What a place told is
remembered until it was bare for BARE_S, or until the same pack tells its serial somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from drivers.robot_protocol import RobotStatus
from station_ctl.model.look import Snapshot
from station_ctl.model.state import StationState
from station_ctl.swap import motions, plan
from station_ctl.thermal.look import bare
from station_ctl.thermal.watch import BARE_S

GRIPPER = "gripper"
"""The robot's gripper among the names of places."""


def seen(state: StationState, snapshot: Snapshot) -> StationState:
    """The state with what this cycle's reading says: `told` and `bare_since_s`."""
    robot = snapshot.robot
    if robot is None:
        return state
    bare_since_s = {name: state.bare_since_s.get(name, robot.received_s) for name in _bare(snapshot, robot)}
    told = _told(replace(state, bare_since_s=bare_since_s), snapshot, robot)
    if (told, bare_since_s) == (state.told, state.bare_since_s):
        return state
    return replace(state, told=told, bare_since_s=bare_since_s)


def left(name: str, state: StationState, robot: RobotStatus) -> bool:
    """Whether nothing was seen at a place, or in the gripper, in any status for BARE_S."""
    since_s = state.bare_since_s.get(name)
    return since_s is not None and robot.received_s - since_s >= BARE_S


def _bare(snapshot: Snapshot, robot: RobotStatus) -> Iterator[str]:
    yield from (str(place) for place in snapshot.packs if bare(place, robot))
    if motions.empty(robot):
        yield GRIPPER


def _told(state: StationState, snapshot: Snapshot, robot: RobotStatus) -> dict[str, str]:
    said = {str(p): serial for p, pack in snapshot.packs.items() if (serial := plan.serial(pack))}
    talking, places = set(said.values()), set(map(str, snapshot.packs))
    kept = {
        name: last
        for name, last in state.told.items()
        if name in places and last not in talking and not left(name, state, robot)
    }
    return kept | said
