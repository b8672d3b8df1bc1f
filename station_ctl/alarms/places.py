"""The alarms of one station: each entry of the catalogue at each of its places."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.alarms.entry import Alarm, Catalogue, Per
from station_ctl.config import Config
from station_ctl.model.places import Place


@dataclass(frozen=True, slots=True)
class Instance:
    """An alarm of this station: an entry at one place. suppressors: ids of the alarms that suppress it."""

    id: str
    place: str
    entry: Alarm
    suppressors: tuple[str, ...]


def instances(catalogue: Catalogue, config: Config) -> dict[str, Instance]:
    """Every alarm that this station can raise, by id: the code, and where it is one of many `:bay-3`."""
    bays = [f"bay-{b.number}" for b in config.bay]
    mounts = [f"mount-{m.number}" for m in config.mount]
    places: dict[Per, list[str]] = {
        "station": [""],
        "bay": bays,
        "mount": mounts,
        "pack": bays + mounts,
        "bus": [c.name for c in config.can],
    }
    found: dict[str, Instance] = {}
    for entry in catalogue.alarms.values():
        for place in places[entry.per]:
            suppressors = tuple(_suppressor(catalogue.alarms[c], entry, place, config) for c in entry.suppressed_by)
            one = identifier(entry.code, place)
            found[one] = Instance(one, place, entry, suppressors)
    return found


def identifier(code: str, place: str = "") -> str:
    """The id of an alarm at a place; '' is the station itself."""
    return f"{code}:{place}" if place else code


def _suppressor(other: Alarm, entry: Alarm, place: str, config: Config) -> str:
    """Packs hang on the packs' bus; whatever else depends on a bus is the truck's."""
    if other.per == "station":
        return other.code
    if other.per == "bus" and entry.per != "bus":
        place = config.truck.bus if entry.per == "station" else config.packs.bus
    return identifier(other.code, place)


def where(place: Place) -> str:
    """A place as ids of alarms have it."""
    return f"{place.kind}-{place.number}"
