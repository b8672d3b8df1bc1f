"""What a scenario may do to the plant: the verbs of hil.sim, each with its arguments, as data that can be checked."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias, get_args

from pydantic import Field, model_validator

from hil.plant.pack import PackFaults
from hil.plant.truck import TruckFaults
from hil.scenario.electric_words import BayNumber, DoChargerFault, DoMeterFault, DoMeterReset
from hil.scenario.words import Words, one_of

Shown: TypeAlias = bool | Literal["untrusted", "not_available"]
"""A signal as its sensor shows it."""
MountNumber = Annotated[int, Field(ge=1, le=3)]
SocPct = Annotated[float, Field(ge=0, le=100)]
Serial = Annotated[str, Field(pattern=r"^[A-Z0-9]{4}-[0-9]{8}$")]
SensorName = Annotated[str, Field(pattern=r"^[a-z_]+(\.\d+\.[a-z_]+)?$")]
ErrorMm = Annotated[float, Field(ge=-1000, le=1000)]
Degrees = Annotated[float, Field(ge=-45, le=45)]


class DoRepark(Words):
    """The driver parks again."""

    do: Literal["repark"]
    x_error_mm: ErrorMm | None = None
    y_error_mm: ErrorMm | None = None
    angle_deg: Degrees | None = None


class DoDriveOff(Words):
    """The driver leaves as the truck came, before it is clamped."""

    do: Literal["drive_off"]


class DoStore(Words):
    """A pack is put into an empty bay by hand."""

    do: Literal["store"]
    bay: BayNumber
    serial: Serial
    soc_pct: SocPct = 90.0


class DoCharge(Words):
    """Every pack that stands in a bay has this charge at once."""

    do: Literal["charge"]
    soc_pct: SocPct = 95.0


class DoSpeed(Words):
    """The plant's motion is so many times faster from now on."""

    do: Literal["speed"]
    times: float = Field(gt=0, le=1000)


class DoInput(Words):
    """A safety input of the cell, or the object detector of the platform."""

    do: Literal["zone", "fire", "platform"]
    clear: Shown = False


class DoDoors(Words):
    """The doors of the cell."""

    do: Literal["doors"]
    closed: Shown = False


class DoEstop(Words):
    """The emergency stop."""

    do: Literal["estop"]
    released: Shown = False


class DoSmoke(Words):
    """The smoke detector of a bay."""

    do: Literal["smoke"]
    bay: BayNumber
    clear: Shown = False


class DoSensor(Words):
    """A sensor that shows something else than the truth."""

    do: Literal["sensor"]
    name: SensorName
    shows: Shown = "untrusted"
    mended: bool = False


class DoMode(Words):
    """The key switch at the robot's cabinet."""

    do: Literal["mode"]
    mode: Literal["production", "maintenance", "manual"] = "production"
    local_enable: Shown = False


class DoContactor(Words):
    """A main contactor of the pack at a mount welds, or lets go."""

    do: Literal["contactor"]
    mount: MountNumber
    closed: bool


class OfOnePack(Words):
    """A pack by its serial, or by the one place where it stands."""

    serial: Serial | None = None
    bay: BayNumber | None = None
    mount: MountNumber | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(named is not None for named in (self.serial, self.bay, self.mount)) != 1:
            raise ValueError("name one of serial, bay and mount")
        return self


class DoJamLock(Words):
    """The lock of a bay or a mount jams, or moves again."""

    do: Literal["jam_lock"]
    bay: BayNumber | None = None
    mount: MountNumber | None = None
    jammed: bool = True

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.bay is None) == (self.mount is None):
            raise ValueError("name one of bay and mount")
        return self


class DoWear(Words):
    """A sensor that wears: a switch is late or chatters, a measured value has noise, an offset, or stands still."""

    do: Literal["wear"]
    name: SensorName
    mended: bool = False
    delay_s: float = Field(0.0, ge=0, le=60)
    chatter_s: float = Field(0.0, ge=0, le=60)
    noise: float = Field(0.0, ge=0, le=100_000)
    offset: float = Field(0.0, ge=-100_000, le=100_000)
    frozen: bool = False


class DoSupplyWeld(Words):
    """The contactor of a bay's supply welds closed, or is replaced."""

    do: Literal["supply_weld"]
    bay: BayNumber
    welded: bool = True


class DoRoll(Words):
    """The truck rolls, backwards if positive; 0 stops it. despite_clamps: they do not hold it."""

    do: Literal["roll"]
    speed_mm_s: float = Field(40.0, ge=-1000, le=1000)
    despite_clamps: bool = False


class DoBrake(Words):
    """The parking brake of the truck in the lane."""

    do: Literal["brake"]
    applied: bool = True
    holds: bool = True


class DoThermalRunaway(OfOnePack):
    """A cell of a pack shorts inside: it heats itself, runs away, smokes, and alarms late."""

    do: Literal["thermal_runaway"]
    short_w: float = Field(3000.0, gt=0, le=100_000)
    alarm_s: float | None = Field(None, ge=0, le=300)
    fire_s: float = Field(600.0, ge=0, le=86_400)


class DoPackFault(OfOnePack):
    """Something is wrong with a pack, or no more."""

    do: Literal["pack_fault"]
    fault: Annotated[str, one_of("fault of a pack", list(PackFaults.__dataclass_fields__))]
    value: bool | int | str = True


class DoTruckFault(Words):
    """Something is wrong with the truck in the lane, or no more."""

    do: Literal["truck_fault"]
    fault: Annotated[str, one_of("fault of a truck", list(TruckFaults.__dataclass_fields__))]
    value: bool | int | str = True


class DoPerson(Words):
    """A person's time counts as none of the controller's."""

    do: Literal["person"]
    acts: bool


class DoPower(Words):
    """Power of the robot's PLC."""

    do: Literal["power_cut", "power_return"]


PlantDo: TypeAlias = (
    DoRepark
    | DoDriveOff
    | DoStore
    | DoCharge
    | DoSpeed
    | DoInput
    | DoDoors
    | DoEstop
    | DoSmoke
    | DoSensor
    | DoMode
    | DoContactor
    | DoJamLock
    | DoWear
    | DoSupplyWeld
    | DoRoll
    | DoBrake
    | DoThermalRunaway
    | DoPackFault
    | DoTruckFault
    | DoChargerFault
    | DoMeterFault
    | DoMeterReset
    | DoPerson
    | DoPower
)
"""Anything that can be done to the plant."""

VERBS: dict[str, type[Words]] = {
    verb: model for model in get_args(PlantDo) for verb in get_args(model.model_fields["do"].annotation)
}
"""The model of each verb."""

NOT_HERE = ("truck_arrives", "wire", "fault", "heal", "truth")
"""Verbs of the plant that a scenario has words of its own for."""
