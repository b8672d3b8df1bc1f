"""`[safety]` of station.toml: limits that can only be tightened; their bounds are compiled into the interlock."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from station_ctl.kernel.interlock import MAXIMA
from station_ctl.sections import Section


def _bounds(limit: str) -> Any:
    """The bounds of a limit as they are compiled into the kernel: their one source."""
    least, most = MAXIMA[limit]
    return Field(ge=least, le=most)


class SafetySection(Section):
    """`[safety]`: limits of the interlock. The bounds are the compiled-in maxima; a file can only tighten them."""

    plc_age_ms: Annotated[int, _bounds("plc_age_ms")] = Field(
        300, description="PLC status older than this permits nothing."
    )
    truck_age_ms: Annotated[int, _bounds("truck_age_ms")] = Field(
        500, description="Truck data older than this permits no handling."
    )
    truck_hold_age_ms: Annotated[int, _bounds("truck_hold_age_ms")] = Field(
        2000, description="Brake and swap mode older than this permit no travel while a truck is worked at."
    )
    pack_age_ms: Annotated[int, _bounds("pack_age_ms")] = Field(
        500, description="Pack data older than this permits no handling."
    )
    pack_slow_age_ms: Annotated[int, _bounds("pack_slow_age_ms")] = Field(
        1000, description="The same for data that comes every 250 ms."
    )
    charge_demand_age_ms: Annotated[int, _bounds("charge_demand_age_ms")] = Field(
        1000, description="No BCL for so long ends charging."
    )
    charge_temperature_max_c: Annotated[float, _bounds("charge_temperature_max_c")] = Field(
        55.0, description="Hotter packs are not charged."
    )
    charge_temperature_min_c: Annotated[float, _bounds("charge_temperature_min_c")] = Field(
        5.0, description="Colder packs are not charged."
    )
    pack_current_a: Annotated[float, _bounds("pack_current_a")] = Field(
        1.0, description="Highest pack current that counts as none."
    )
    link_voltage_v: Annotated[float, _bounds("link_voltage_v")] = Field(
        60.0, description="Highest voltage that counts as collapsed."
    )
    voltage_gap_v: Annotated[float, _bounds("voltage_gap_v")] = Field(
        10.0, description="A pack whose voltage is further from the sum of its cells is not believed."
    )
    load_kg: Annotated[float, _bounds("load_kg")] = Field(3500.0, description="Highest load on the robot.")
    unloaded_kg: Annotated[float, _bounds("unloaded_kg")] = Field(
        100.0, description="Highest load that counts as none while locks move."
    )
    pack_temperature_c: Annotated[float, _bounds("pack_temperature_c")] = Field(
        60.0, description="Hotter packs are not put into a truck."
    )
    insulation_ohm_per_v: Annotated[float, _bounds("insulation_ohm_per_v")] = Field(
        100.0, description="Lowest insulation of a pack in a truck."
    )
