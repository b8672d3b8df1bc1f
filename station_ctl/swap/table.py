"""The swap as data: steps, edges with the reason for each, and the PackML states around them.

docs/state-machine.md is generated from here; `swap.machine` turns it into `transitions` machines.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.truck_status import TruckRequest
from station_ctl.model.words import PackML


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a swap.

    phase: the PackML state while it runs. request: what the truck is asked meanwhile.
    says: what happens, for a person. choices: what the operator may choose when it is held or aborted here.
    """

    name: str
    phase: PackML
    request: TruckRequest
    says: str
    choices: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`trigger` leads from `source` to `target`, because `reason`."""

    trigger: str
    source: str
    target: str
    reason: str


_S, _E, _C = PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING
_NONE, _ISOLATE, _LEAVE = TruckRequest.NONE, TruckRequest.ISOLATE, TruckRequest.LEAVE

STEPS = (
    Step("waiting", PackML.IDLE, _NONE, "the lane is free", "none needed"),
    Step("identify", _S, _NONE, "the truck and its packs say who they are", "resume, or let the truck drive off"),
    Step("authorise", _S, _NONE, "the truck is matched with its authorisation", "resume, or let the truck drive off"),
    Step("position", _S, _NONE, "the truck stands within tolerance", "resume, back out: truck keeps its packs"),
    Step("immobilise", _S, _NONE, "wheels clamped, barrier closed", "resume, back out: truck keeps its packs"),
    Step("isolate", _S, _ISOLATE, "high voltage off, contactors open", "resume, back out: truck keeps its packs"),
    Step("approach_mount", _E, _ISOLATE, "the robot travels to the mount", "resume, back out: no further exchange"),
    Step("verify", _E, _ISOLATE, "packs put in so far are the right ones", "resume, back out: no further exchange"),
    Step("unlock", _E, _ISOLATE, "the mount's locks open", "resume, back out: lock the old pack again"),
    Step("extract", _E, _ISOLATE, "the old pack is lifted out", "resume, back out: put the old pack back"),
    Step("carry_to_bay", _E, _ISOLATE, "the old pack travels to its bay", "resume, back out: put the old pack back"),
    Step("stow", _E, _ISOLATE, "the old pack is set down and connected", "resume, back out: put the old pack back"),
    Step("choose", _E, _ISOLATE, "the charged pack is chosen: highest ready", "resume, back out: fetch the old pack"),
    Step("approach_bay", _E, _ISOLATE, "the robot travels to the charged pack", "resume, back out: fetch the old pack"),
    Step("fetch", _E, _ISOLATE, "the charged pack is lifted out", "resume, back out: fetch the old pack"),
    Step(
        "carry_to_mount", _E, _ISOLATE, "the pack travels to the truck", "resume, back out: this pack, then no further"
    ),
    Step("insert", _E, _ISOLATE, "the pack is set into the mount", "resume, back out: this pack, then no further"),
    Step("lock", _E, _ISOLATE, "the mount's locks close", "resume, back out: this pack, then no further"),
    Step("park", _E, _ISOLATE, "the robot goes to its parking position", "resume"),
    Step("reconnect", _C, TruckRequest.RECONNECT, "the truck closes its contactors and tests itself", "resume"),
    Step("release", _C, TruckRequest.RECONNECT, "clamps and barrier open, the lane shows green", "resume"),
    Step("settle", _C, _LEAVE, "old packs accepted or quarantined, the record is written", "resume"),
    Step("depart", PackML.COMPLETE, _LEAVE, "the truck drives off", "none needed"),
)

_UNOPENED = ("immobilise", "isolate", "approach_mount", "verify")

EDGES = (
    Edge("arrived", "waiting", "identify", "a truck is present"),
    Edge("identified", "identify", "authorise", "VIN, number of mounts, serial and charge of each pack are known"),
    Edge("authorised", "authorise", "position", "an authorisation for this VIN is here and charged packs are ready"),
    Edge("positioned", "position", "immobilise", "the PLC measures the truck within tolerance"),
    Edge("immobilised", "immobilise", "isolate", "wheel clamps and barrier are measured closed"),
    Edge("isolated", "isolate", "approach_mount", "the interlock permits unlocking: isolation is measured and fresh"),
    Edge("at_mount", "approach_mount", "verify", "the robot reports it is there"),
    Edge("verified", "verify", "unlock", "packs put in so far are verified; this mount is next"),
    Edge("unlocked", "unlock", "extract", "both lock switches agree, the coupler is parted"),
    Edge("extracted", "extract", "carry_to_bay", "seat empty, gripper holding, load cell agrees"),
    Edge("at_bay", "carry_to_bay", "stow", "the robot reports it is there"),
    Edge("stowed", "stow", "choose", "bay occupied and mated, gripper empty, load cell agrees"),
    Edge("chosen", "choose", "approach_bay", "a pack is ready now, with fresh data, above the promise"),
    Edge("at_bay", "approach_bay", "fetch", "the robot reports it is there"),
    Edge("fetched", "fetch", "carry_to_mount", "bay empty, gripper holding, load cell agrees"),
    Edge("at_mount", "carry_to_mount", "insert", "the robot reports it is there"),
    Edge("inserted", "insert", "lock", "pack seated, gripper empty, load cell agrees"),
    Edge("locked_more", "lock", "approach_mount", "both lock switches agree, coupler mated; more mounts to do"),
    Edge("locked_last", "lock", "park", "both lock switches agree, coupler mated; no more mounts to do"),
    Edge("parked", "park", "verify", "the robot is at its parking position"),
    Edge("all_verified", "verify", "reconnect", "every pack put in is the right one, healthy and above the promise"),
    Edge("reconnected", "reconnect", "release", "the truck's self-test passed with high voltage on"),
    Edge("released", "release", "settle", "clamps and barrier are measured open"),
    Edge("settled", "settle", "depart", "the record is complete"),
    Edge("departed", "depart", "waiting", "no truck is present"),
    Edge("verify_again", "reconnect", "verify", "after a hold: somebody may have changed something"),
    Edge("verify_again", "release", "verify", "after a hold: somebody may have changed something"),
    *(
        Edge("set_down_by_hand", step, "choose", "people set the old pack down in its bay; it says who it is")
        for step in ("extract", "carry_to_bay", "stow")
    ),
    *(
        Edge("set_down_by_hand", step, "lock", "people put the pack into its mount and locked it; it says who it is")
        for step in ("fetch", "carry_to_mount", "insert")
    ),
    Edge("other_pack", "fetch", "choose", "the pack that was chosen is not there, by its own word, or not fit"),
    Edge("left", "identify", "waiting", "the truck drove off before it was clamped"),
    Edge("left", "authorise", "waiting", "the truck drove off before it was clamped"),
    Edge("left", "position", "waiting", "the truck drove off before it was clamped"),
    *(
        Edge("release_truck", step, "release", "a supervisor lets the truck go: every mount is measured locked")
        for step in (*_UNOPENED, "park", "reconnect")
    ),
    *(
        Edge("isolate", step, "carry_to_bay", "a person wants the pack in the gripper in isolation")
        for step in ("extract", "carry_to_bay", "stow")
    ),
    Edge("back_out_empty", "position", "release", "nothing was touched yet"),
    Edge("back_out_empty", "immobilise", "release", "nothing was touched yet"),
    Edge("back_out_empty", "isolate", "reconnect", "the truck is switched on again with its own packs"),
    Edge("back_out_empty", "approach_mount", "park", "this mount was not opened yet"),
    Edge("back_out_empty", "verify", "park", "the next mount was not opened yet"),
    Edge("back_out_unopened", "unlock", "park", "the mount is measured locked and mated: nothing was opened"),
    Edge("back_out_empty", "unlock", "lock", "the old pack still stands in the mount"),
    Edge("back_out_empty", "extract", "lock", "the old pack still stands in the mount"),
    Edge("back_out_seated", "extract", "insert", "the old pack is gripped but still seated: it is let go again"),
    Edge("back_out_seated", "stow", "stow", "the old pack is half set down: that is finished, then it is fetched back"),
    Edge("back_out_seated", "fetch", "fetch", "a charged pack is gripped: shortest way to a whole truck"),
    Edge("back_out_seated", "insert", "insert", "the pack is half set down: that is finished"),
    Edge("back_out_held", "extract", "carry_to_mount", "the robot holds the old pack: it goes back"),
    Edge("back_out_held", "carry_to_bay", "carry_to_mount", "the robot holds the old pack: it goes back"),
    Edge("back_out_held", "stow", "carry_to_mount", "the robot holds the old pack: it goes back"),
    Edge("back_out_empty", "stow", "approach_bay", "the old pack stands in its bay: it is fetched back"),
    Edge("back_out_empty", "choose", "approach_bay", "the old pack stands in its bay: it is fetched back"),
    Edge("back_out_empty", "approach_bay", "approach_bay", "the old pack stands in its bay: it is fetched back"),
    Edge("back_out_empty", "fetch", "approach_bay", "the old pack stands in its bay: it is fetched back"),
    Edge("back_out_held", "fetch", "carry_to_mount", "the robot holds a charged pack: shortest way to a whole truck"),
    Edge("back_out_held", "carry_to_mount", "carry_to_mount", "the robot holds a pack for this mount"),
    Edge("back_out_held", "insert", "carry_to_mount", "the robot holds a pack for this mount"),
    Edge("back_out_empty", "insert", "lock", "the pack stands in the mount"),
    Edge("back_out_empty", "lock", "lock", "the pack stands in the mount"),
)

_ANY = tuple(state for state in PackML if state not in (PackML.ABORTING, PackML.ABORTED))
_PHASES = (_S, _E, _C)


def _edges(trigger: str, sources: tuple[PackML, ...], target: PackML, reason: str) -> tuple[Edge, ...]:
    return tuple(Edge(trigger, source, target, reason) for source in sources)


PACKML_EDGES = (
    *_edges("abort", _ANY, PackML.ABORTING, "the interlock tripped, or a person asked"),
    *_edges("aborted", (PackML.ABORTING,), PackML.ABORTED, "nothing moves any more, or the PLC's lease has run out"),
    *_edges("clear", (PackML.ABORTED,), PackML.CLEARING, "a person looked and confirmed"),
    *_edges(
        "cleared", (PackML.CLEARING,), PackML.STOPPED, "the latch opened on the reset edge, what blocks it is gone"
    ),
    *_edges("reset", (PackML.STOPPED, PackML.COMPLETE), PackML.RESETTING, "a person asked, or the truck has left"),
    *_edges("ready", (PackML.RESETTING,), PackML.IDLE, "the robot is parked and empty, no swap is open"),
    *_edges("recover", (PackML.RESETTING,), PackML.HELD, "an interrupted swap is open: a person decides"),
    *_edges("start", (PackML.IDLE,), PackML.STARTING, "a truck is present"),
    *_edges("left", (PackML.STARTING,), PackML.RESETTING, "the truck drove off before it was clamped"),
    *_edges("phase_done", (_S,), _E, "the truck is safe to work at"),
    *_edges("phase_done", (_E,), _C, "all packs are in, locked and verified"),
    *_edges("phase_done", (_C,), PackML.COMPLETE, "the truck is released and the record written"),
    *_edges("hold", (*_PHASES, PackML.SUSPENDED), PackML.HOLDING, "our own reason, or a person asked"),
    *_edges("held", (PackML.HOLDING,), PackML.HELD, "nothing moves any more"),
    *_edges(
        "evacuate",
        (PackML.IDLE, _S, _C, PackML.COMPLETE, PackML.SUSPENDED, PackML.HELD, PackML.STOPPED),
        _E,
        "a pack with a thermal event is moved; out of Held and Stopped only a person asks for it",
    ),
    *_edges("evacuated", (_E,), PackML.STOPPING, "the evacuation is over and no swap is open: a person looks"),
    *_edges("end", (PackML.HELD,), PackML.STOPPING, "a person ended what was open"),
    *_edges("unhold", (PackML.HELD,), PackML.UNHOLDING, "a person asked"),
    *_edges("suspend", _PHASES, PackML.SUSPENDING, "a reason outside of the station"),
    *_edges("suspended", (PackML.SUSPENDING,), PackML.SUSPENDED, "nothing moves any more"),
    *_edges("unsuspend", (PackML.SUSPENDED,), PackML.UNSUSPENDING, "the reason outside is gone"),
    *(
        Edge(f"resume_{p.lower()}", s, p, "back to where it left")
        for s in (PackML.UNHOLDING, PackML.UNSUSPENDING)
        for p in _PHASES
    ),
    *_edges(
        "stop",
        (PackML.IDLE, PackML.COMPLETE, PackML.STOPPED, PackML.RESETTING),
        PackML.STOPPING,
        "the service is being shut down",
    ),
    *_edges("stopped", (PackML.STOPPING,), PackML.STOPPED, "nothing moves any more"),
)
