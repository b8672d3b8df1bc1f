"""What is done about a thermal event, as data: the steps of an evacuation and its edges.

GB/T 51077-2024 12.4.3 (detected: charging ends at once), 12.4.5 and 12.4.7 (moved to the isolation area automatically).
The policy, row by row, is in `swap.thermal_policy`; docs/thermal-event.md is generated from both.
"""

from __future__ import annotations

from drivers.robot_protocol import Opcode
from drivers.truck_status import TruckRequest
from station_ctl.model.words import PackML
from station_ctl.swap.table import STEPS, Edge, Step

FINISHED = frozenset({Opcode.LIFT_FROM, Opcode.PLACE_TO, Opcode.UNLOCK, Opcode.LOCK, Opcode.CLAMP, Opcode.RELEASE})
"""Motions that are finished before the robot turns to the hot pack: half done they leave a pack or a truck in doubt.
All others are travel: stopped at once and redirected, an empty or loaded gripper is safe anywhere on its way."""


def _step(name: str, says: str, choices: str = "resume, back out: give the evacuation up") -> Step:
    return Step(name, PackML.EXECUTE, TruckRequest.NONE, says, choices)


_TAKEN_OFF = "resume; once the gripper is measured empty, back out: give the evacuation up"

EVACUATION_STEPS = (
    _step("evacuate_clear", "the robot carries the good pack it holds to a bay, to have its gripper free", "resume"),
    _step("evacuate_set_down", "the good pack is set down and connected", "resume"),
    _step("evacuate_approach", "the robot travels to the pack with the thermal event"),
    _step("evacuate_lift", "the pack with the thermal event is lifted out"),
    _step("evacuate_carry", "the pack with the thermal event travels to the isolation area", _TAKEN_OFF),
    _step("evacuate_place", "the pack with the thermal event is set down in isolation", _TAKEN_OFF),
    _step("evacuate_park", "the robot goes to its parking position"),
)
"""PackML Execute: the machine acts by itself, in Production. The truck is asked what the interrupted step asks."""

BACK_TO = {
    "identify": "waiting",
    "authorise": "waiting",
    "verify": "approach_mount",
    "carry_to_bay": "choose",
    "stow": "choose",
    "approach_bay": "choose",
    "fetch": "choose",
    "carry_to_mount": "choose",
    "insert": "lock",
}
"""The step that a pre-empted swap is held in afterwards, where it is not the same: the robot has been elsewhere, what
it held stands in a bay now, and what it was to fetch is chosen again."""
_HANDS = ("extract", "carry_to_bay", "stow", "fetch", "carry_to_mount", "insert")
_TARGETS = tuple(dict.fromkeys([*(BACK_TO.get(s.name, s.name) for s in STEPS), "verify"]))
_GIVEN_UP_IN = ("evacuate_approach", "evacuate_lift", "evacuate_carry", "evacuate_place")

EVACUATION_EDGES = (
    *(Edge("evacuate_empty", s.name, "evacuate_approach", "a thermal event, and the gripper is empty") for s in STEPS),
    *(Edge("evacuate_loaded", s, "evacuate_clear", "a thermal event, and the robot holds a good pack") for s in _HANDS),
    *(Edge("evacuate_hot", s, "evacuate_carry", "the robot holds the pack with the thermal event") for s in _HANDS),
    Edge("at_bay", "evacuate_clear", "evacuate_set_down", "the robot reports it is there"),
    Edge("set_down", "evacuate_set_down", "evacuate_approach", "bay occupied and mated, gripper and load cell empty"),
    Edge("at_hot_pack", "evacuate_approach", "evacuate_lift", "the robot reports it is there"),
    Edge("lifted", "evacuate_lift", "evacuate_carry", "bay empty, gripper holding, load cell agrees"),
    Edge("at_isolation", "evacuate_carry", "evacuate_place", "the robot reports it is there"),
    Edge("placed", "evacuate_place", "evacuate_park", "isolation occupied and mated, gripper empty, load cell agrees"),
    Edge("next_hot_pack", "evacuate_place", "evacuate_approach", "another pack has a thermal event and isolation room"),
    *(
        Edge("set_down_by_hand", step, "evacuate_approach", "people set the good pack down; it says who it is")
        for step in ("evacuate_clear", "evacuate_set_down")
    ),
    *(
        Edge("set_down_by_hand", step, "evacuate_park", "people set the hot pack down in isolation; it may be silent")
        for step in ("evacuate_lift", "evacuate_carry", "evacuate_place")
    ),
    *(Edge(f"back_to_{t}", "evacuate_park", t, "the robot is parked; a person looks") for t in _TARGETS),
    *(Edge(f"back_to_{t}", s, t, "a person gave the evacuation up") for s in _GIVEN_UP_IN for t in _TARGETS),
)

RETURN_EDGES = (
    Edge("return", "unlock", "approach_mount", "the robot has been elsewhere"),
    Edge("return", "extract", "approach_mount", "the robot has been elsewhere"),
    Edge("return", "stow", "carry_to_bay", "the robot has been elsewhere"),
    Edge("return", "fetch", "approach_bay", "the robot has been elsewhere"),
    Edge("return", "insert", "carry_to_mount", "the robot has been elsewhere"),
    Edge("return", "evacuate_set_down", "evacuate_clear", "the robot has been elsewhere"),
    Edge("return", "evacuate_lift", "evacuate_approach", "the robot has been elsewhere"),
    Edge("return", "evacuate_place", "evacuate_carry", "the robot has been elsewhere"),
)
"""Followed when a step is resumed that handles a place where the robot did not come to last."""
