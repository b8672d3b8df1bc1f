"""What a station publishes of what is where, against the plant's truth."""

from __future__ import annotations

from collections.abc import Iterator

from hil.plant.places import Place
from hil.virtual.station import VirtualStation
from station_ctl.uplink.state_messages import RecoveryMessage


def misnamed(station: VirtualStation) -> Iterator[str]:
    """Where the published `recovery` of an undisturbed restart says something else than the plant."""
    said = station.operator.recovery
    if said is not None and (said.kind not in ("idle", "resumable") or said.contradictions):
        yield f"kind {said.kind}: {said.unread}; {'; '.join(said.contradictions)}"
    yield from misplaced(station)
    if said is not None:
        yield from _not_under_way(station, said)


def misplaced(station: VirtualStation, without: str = "") -> Iterator[str]:
    """Where it says of a place something else than the plant. without: a place that the station no longer has."""
    said, world = station.operator.recovery, station.world
    if said is None:
        yield "no recovery was published"
        return
    parts = {part.place: part for part in said.where}
    places = {f"bay {n}": p for n, p in world.bays.items()} | {f"mount {n}": p for n, p in world.lane.mounts.items()}
    for name, place in places.items():
        truth, part = _truth(station, place), parts.get(name)
        told = (part.says, part.serial) if part is not None else ("not named", None)
        if told != truth and name != without:
            yield f"{name} is {truth}, said is {told}"
    gripper = parts["gripper"].says if "gripper" in parts else "not named"
    if (gripper == "silent") != (world.robot.pack is not None):
        yield f"the robot holds {world.robot.pack and world.robot.pack.serial}, said is {gripper}"


def _not_under_way(station: VirtualStation, said: RecoveryMessage) -> Iterator[str]:
    service = station.controller.service
    state = service.runner.state if service is not None else None
    if state is not None and state.swap is not None and state.swap.id not in said.under_way:
        yield f"the open swap {state.swap.id} is not named: {said.under_way}"
    if state is not None and state.evacuation is not None and str(state.evacuation.source) not in said.under_way:
        yield f"the open evacuation from {state.evacuation.source} is not named: {said.under_way}"


def _truth(station: VirtualStation, place: Place) -> tuple[str, str | None]:
    if not station.world.seated(place):
        return "empty", None
    pack = place.pack
    return ("named", pack.serial) if pack is not None and pack.talking else ("silent", None)
