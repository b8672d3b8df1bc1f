"""All faults there are: `parse` makes one from data, and says of bad data what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, get_args

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from drivers.errors import StationError
from hil.faults import plant_kinds as plant
from hil.faults import site_kinds as site
from hil.faults import wire_kinds as wire
from hil.faults.model import FaultModel

ModbusFault: TypeAlias = (
    wire.ModbusDelay
    | wire.ModbusDropRequests
    | wire.ModbusDropReplies
    | wire.ModbusDuplicate
    | wire.ModbusException
    | wire.ModbusStale
    | wire.ModbusFlipBits
    | wire.ModbusHalfOpen
    | wire.ModbusCut
    | wire.ModbusLyingEcho
    | wire.ModbusNoise
)
CanFault: TypeAlias = (
    wire.CanLoss
    | wire.CanStuckCounter
    | wire.CanFrozen
    | wire.CanWrongDlc
    | wire.CanUntrusted
    | wire.CanBabble
    | wire.CanBusOff
    | wire.CanBusDown
    | wire.CanConflict
    | wire.CanBrokenTransport
)
BrokerFault: TypeAlias = (
    site.BrokerOutage | site.BrokerDuplicate | site.BrokerReorder | site.BrokerOldCommand | site.BrokerSlow
)
DiskFault: TypeAlias = site.DiskFull | site.DiskSyncFailed | site.DiskTornWrite
OtherFault: TypeAlias = (
    site.PlcReboot
    | site.ControllerKill
    | site.WallClockJump
    | site.PeopleZone
    | site.PeopleEstop
    | site.PeopleDoors
    | site.PeopleFire
    | site.PeopleButton
)
PlantFault: TypeAlias = (
    plant.PlantPack
    | plant.PlantSensor
    | plant.PlantLockJams
    | plant.PlantSmoke
    | plant.PlantSupplyWeld
    | plant.PlantKeySwitch
    | plant.PlantParking
)
Fault: TypeAlias = ModbusFault | CanFault | BrokerFault | DiskFault | OtherFault | PlantFault
"""Any fault; `kind` tells which. For a field of a pydantic model use AnyFault."""

AnyFault: TypeAlias = Annotated[Fault, Field(discriminator="kind")]

FAULTS: dict[str, type[FaultModel]] = {t.model_fields["kind"].default: t for t in get_args(Fault)}
"""The model of each kind."""

UNITS = ("per_s", "s", "ms", "us", "min", "h", "pct", "mm", "bytes")  # the longer of two that end alike comes first
_ADAPTER: TypeAdapter[Fault] = TypeAdapter(AnyFault)


class FaultError(StationError):
    """A fault that is not in the catalogue, or not like that; nothing was done."""


def parse(data: object, where: str) -> Fault:
    """The fault that `data` (a table with `kind`) describes; `where` names it in errors (file and line, request).

    Raises FaultError for an unknown kind, parameter or unit, and for a value out of its range.
    """
    if not isinstance(data, Mapping):
        raise FaultError("a fault is a table with 'kind'", where=where, value=data)
    if "kind" not in data:
        raise FaultError("kind is missing", where=where, remedy=f"known: {', '.join(FAULTS)}")
    kind = data["kind"]
    if not isinstance(kind, str) or kind not in FAULTS:
        raise FaultError("unknown fault", where=where, value=kind, remedy=_nearest(str(kind), list(FAULTS)))
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as e:
        # an unknown parameter explains one that is missing
        worst = min(e.errors(), key=lambda error: error["type"] != "extra_forbidden")
        raise _refusal(worst, FAULTS[kind], where) from e


def _refusal(error: ErrorDetails, model: type[FaultModel], where: str) -> FaultError:
    key = str(error["loc"][-1])
    known = [name for name in model.model_fields if name != "kind"]
    where = f"{where}: {model.model_fields['kind'].default}"
    if error["type"] == "extra_forbidden":
        return _unknown(key, known, where)
    if error["type"] == "missing":
        return FaultError(f"{key} is missing", where=where)
    limit = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return FaultError(f"{key} is not acceptable", where=where, value=_shown(error["input"]), limit=limit)


def _unknown(key: str, known: list[str], where: str) -> FaultError:
    """A parameter there is not; said apart if only its unit is another."""
    stem, unit = _parted(key)
    meant = next((name for name in known if _parted(name)[0] in (stem, key)), None)
    if meant is not None:
        what = "is not the unit" if unit in UNITS else "unknown unit"
        return FaultError(f"{key}: {what}", where=where, value=unit, limit=meant)
    return FaultError(f"{key} is not a parameter", where=where, remedy=_nearest(key, known))


def _parted(key: str) -> tuple[str, str]:
    """A key's stem, and its unit or what stands in its place."""
    for unit in UNITS:
        if key.endswith(f"_{unit}"):
            return key.removesuffix(f"_{unit}"), unit
    stem, _, rest = key.rpartition("_")
    return (stem, rest) if stem else (key, "")


def _nearest(value: str, known: list[str]) -> str:
    near = difflib.get_close_matches(value, known, 1, 0.4)
    return f"nearest: {near[0]}" if near else f"known: {', '.join(known)}"


def _shown(value: Any) -> Any:
    return value if isinstance(value, (int, float, bool)) else str(value)[:80]
