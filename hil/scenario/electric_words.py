"""What a scenario may do to chargers, meters and supplies: verbs of hil.sim_lines, as data that can be checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hil.plant.charger import ChargerFaults
from hil.plant.meter import MeterFaults
from hil.scenario.words import Words, one_of

BayNumber = Annotated[int, Field(ge=1, le=24)]


class DoChargerFault(Words):
    """Something is wrong with a bay's charger, or no more."""

    do: Literal["charger_fault"]
    bay: BayNumber
    fault: Annotated[str, one_of("fault of a charger", list(ChargerFaults.__dataclass_fields__))]
    value: bool | int | float = True


class DoMeterFault(Words):
    """Something is wrong with a bay's meter, without a bay the grid's, or no more."""

    do: Literal["meter_fault"]
    bay: BayNumber | None = None
    fault: Annotated[str, one_of("fault of a meter", list(MeterFaults.__dataclass_fields__))]
    value: bool | int | float = True


class DoMeterReset(Words):
    """A meter's registers are set to zero; with a serial it is exchanged for another meter."""

    do: Literal["meter_reset"]
    bay: BayNumber | None = None
    serial: int | None = Field(None, ge=1, le=2**32 - 1)


class DoSupplyWeld(Words):
    """The contactor of a bay's supply welds closed, or is replaced."""

    do: Literal["supply_weld"]
    bay: BayNumber
    welded: bool = True
