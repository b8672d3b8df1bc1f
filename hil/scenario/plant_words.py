"""What a scenario may do to the plant: the verbs of hil.sim_lines, with their arguments, as data to be checked."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias, get_args

from pydantic import Field, model_validator

from hil.plant.pack import PackFaults
from hil.scenario.cell_words import DoDoors, DoEstop, DoInput, DoMode, DoSensor, DoSmoke, DoWear
from hil.scenario.electric_words import BayNumber, DoChargerFault, DoMeterFault, DoMeterReset, DoSupplyWeld
from hil.scenario.truck_words import DoBrake, DoDriveOff, DoRepark, DoRoll, DoTruckFault
from hil.scenario.words import Words, one_of

MountNumber = Annotated[int, Field(ge=1, le=3)]
SocPct = Annotated[float, Field(ge=0, le=100)]
Serial = Annotated[str, Field(pattern=r"^[A-Z0-9]{4}-[0-9]{8}$")]


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
