"""The written policy of a thermal event, row by row, as data: docs/thermal-event.md is generated from here.

GB/T 51077-2024 12.4.3 (detected: charging ends at once), 12.4.5 and 12.4.7 (moved to the isolation area automatically).
"""

from __future__ import annotations

from dataclasses import dataclass


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
        "a person may be inside: the zone, a door, the PLC or the key is not as it should be, or was not, at rest too, "
        "since a person said that nobody is inside",
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
