"""What is done about a thermal event, as data: the steps of an evacuation, its edges, the policy row by row.

GB/T 51077-2024 12.4.3 (detected: charging ends at once), 12.4.5 and 12.4.7 (moved to the isolation area automatically).
docs/thermal-event.md is generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.robot_protocol import Opcode
from drivers.truck_status import TruckRequest
from station_ctl.model import PackML
from station_ctl.swap.table import STEPS, Edge, Step

FINISHED = frozenset({Opcode.LIFT_FROM, Opcode.PLACE_TO, Opcode.UNLOCK, Opcode.LOCK, Opcode.CLAMP, Opcode.RELEASE})
"""Motions that are finished before the robot turns to the hot pack: half done they leave a pack or a truck in doubt.
All others are travel: stopped at once and redirected, an empty or loaded gripper is safe anywhere on its way."""


def _step(name: str, says: str, choices: str = "resume, back out: give the evacuation up") -> Step:
    return Step(name, PackML.EXECUTE, TruckRequest.NONE, says, choices)


EVACUATION_STEPS = (
    _step("evacuate_clear", "the robot carries the good pack it holds to a bay, to have its gripper free", "resume"),
    _step("evacuate_set_down", "the good pack is set down and connected", "resume"),
    _step("evacuate_approach", "the robot travels to the pack with the thermal event"),
    _step("evacuate_lift", "the pack with the thermal event is lifted out"),
    _step("evacuate_carry", "the pack with the thermal event travels to the isolation area", "resume"),
    _step("evacuate_place", "the pack with the thermal event is set down in isolation", "resume"),
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
_GIVEN_UP_IN = ("evacuate_approach", "evacuate_lift", "evacuate_place")

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the written policy: in which case, what the station does by itself, why, what a person must do.

    name: the row's short name; its test is test_<name>.
    """

    name: str
    case: str
    station: str
    because: str
    person: str


_LOOK = "look at isolation and at the bay, call the fire brigade if it smokes; then resume or back out"

POLICY = (
    Rule(
        "quarantined",
        "a pack in a bay, any state",
        "its charging ends within the cycle; it is quarantined in the journal and never handed out; an event and the "
        "state message name it and what was measured",
        "GB/T 51077 12.4.3; a pack that had an event stays suspect over any restart",
        "keep everybody away from the bay",
    ),
    Rule(
        "empty",
        "robot empty and standing",
        "the pack is fetched and set down in isolation, the robot parks",
        "GB/T 51077 12.4.5, 12.4.7",
        _LOOK,
    ),
    Rule(
        "travelling",
        "robot travelling, empty",
        "it is stopped by its ramp and redirected to the pack",
        "nothing is left half done by stopping a travel",
        _LOOK,
    ),
    Rule(
        "finished",
        "a lift, a placement, a lock or a clamp under way",
        "it is finished and proved first; no new motion of the swap begins",
        "half done it leaves a pack or a truck in doubt, and it takes seconds",
        _LOOK,
    ),
    Rule(
        "charged_in_hand",
        "robot holds a good charged pack",
        "it is put back into the bay it came from, or the nearest free ordinary one; then the hot pack is fetched",
        "one gripper; the plan of the swap follows the pack",
        _LOOK,
    ),
    Rule(
        "old_in_hand",
        "robot holds the truck's old pack",
        "it is stowed in its planned bay, or the nearest free ordinary one; then the hot pack is fetched",
        "it has to go there anyway; its mount stays open, the truck clamped and isolated",
        _LOOK,
    ),
    Rule(
        "hot_in_hand",
        "robot holds the hot pack itself",
        "straight to isolation",
        "every detour is time beside other packs",
        _LOOK,
    ),
    Rule(
        "planned",
        "the hot pack is the one planned to be fetched, or the one just stowed",
        "it is evacuated like any other; the swap chooses another pack afterwards, and the truck's own one is not "
        "brought back to it",
        "it is never handed out",
        "resume: another pack is chosen. Back out is refused if the truck's own pack is the hot one",
    ),
    Rule(
        "mount_before",
        "hot pack in a mount, before it is lifted",
        "the truck is not opened any further, nothing is lifted: Held",
        "the isolation area is for packs in the station; a pack that burns is not carried over a truck",
        "everybody away from the truck, fire plan; back out locks and releases the truck so that it can be driven out",
    ),
    Rule(
        "mount_after",
        "hot pack in a mount, put in by this swap",
        "the truck is neither switched on nor released: Held",
        "a pack in thermal runaway must not leave with a truck",
        "everybody away from the truck, fire plan; the pack has to be taken out again in Manual by service",
    ),
    Rule(
        "half_swapped",
        "truck half swapped",
        "it stays clamped and isolated; afterwards the swap is Held and says what is where; resume and back out go on "
        "with the bays as they are now",
        "people decide with a truck open and a hot pack in the house",
        _LOOK,
    ),
    Rule(
        "no_swap",
        "no swap open",
        "afterwards Stopped",
        "there is nothing to resume (PackML Held would promise it); a person looks before the next truck",
        "look at isolation, then reset",
    ),
    Rule(
        "queue",
        "several hot packs",
        "one at a time: smoke first, then a pack that has gone silent, then the hottest; each as long as isolation has "
        "room",
        "one robot",
        "empty the isolation area for the next one",
    ),
    Rule(
        "no_room",
        "isolation occupied, or none configured; something else withholds the motion",
        "nothing moves: an open swap is Suspended, no new one begins; it starts by itself when the obstacle goes away. "
        "A truck that is whole again, or is backed out, is let go",
        "nothing may be carried without a place to put it",
        "mend what is named (make room in isolation); or `hold` and decide",
    ),
    Rule(
        "fire",
        "fire alarm",
        "the interlock trips: Aborted, nothing moves",
        "the robot does not work in a fire, people fight it",
        "fire plan; clear after the fire panel is reset, then `evacuate`",
    ),
    Rule(
        "person",
        "a person may be in the zone, a door is open, the PLC is gone, or the key is not on Production",
        "nothing moves: Aborted; charging is off",
        "nobody saw the person leave, so a person has to confirm",
        "get everybody out, close the doors; clear, then `evacuate`",
    ),
    Rule(
        "held",
        "Held, Stopped, Aborted, Maintenance, Manual",
        "nothing moves by itself; charging is off, the pack is quarantined",
        "people may be inside",
        "in Held or Stopped: look, then `evacuate` with the bay",
    ),
    Rule(
        "killed",
        "killed or power cut in an evacuation",
        "Aborted; the journal knows pack, place and step; nothing moves before clear, reset, resume",
        "DESIGN 1.4: measured, not believed",
        "look where the pack is; resume brings it to isolation, back out gives the evacuation up",
    ),
)
"""The written policy: a test for each row (tests/simulation/test_thermal_policy.py)."""
