"""Faults of the plant itself: packs, sensors, locks, smoke, the key switch, and drivers who park badly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hil.faults.model import FaultModel, Shown

SENSORS = (
    *("platform_clear", "truck_in_position", "wheels_clamped", "barrier_closed", "gripper_holding", "robot_clear"),
    *(f"mount.{n}.{what}" for n in (1, 2, 3) for what in ("seated", "locked", "unlocked", "mated")),
    *(f"bay.{n}.{what}" for n in range(1, 10) for what in ("occupied", "locked", "mated", "energised")),
)
"""Signals of the status block that a soak breaks."""


class PlantPack(FaultModel):
    """A pack that stands in a bay is not as it should be, wherever it goes; healed, it is well again."""

    kind: Literal["plant.pack"] = "plant.pack"
    bay: int = Field(ge=1, le=24)
    fault: Literal["thermal_event", "insulation", "connector", "overtemperature", "overcurrent", "mute", "demand_lost"]


class PlantSensor(FaultModel):
    """A sensor is broken and shows something else than the truth; false may be the truth too."""

    kind: Literal["plant.sensor"] = "plant.sensor"
    name: str = Field(min_length=3, max_length=32)
    shows: Shown = "untrusted"


class PlantLockJams(FaultModel):
    """The lock of a mount of the truck in the lane stops in mid-stroke."""

    kind: Literal["plant.lock_jams"] = "plant.lock_jams"
    mount: int = Field(ge=1, le=3)


class PlantSmoke(FaultModel):
    """A bay's smoke detector responds."""

    kind: Literal["plant.smoke"] = "plant.smoke"
    bay: int = Field(ge=1, le=24)


class PlantSupplyWeld(FaultModel):
    """The contactor of a bay's supply welds: it stays closed whatever the PLC does; healed, it is a new one."""

    kind: Literal["plant.supply_weld"] = "plant.supply_weld"
    bay: int = Field(ge=1, le=24)


class PlantKeySwitch(FaultModel):
    """Somebody turns the key switch at the robot's cabinet."""

    kind: Literal["plant.key_switch"] = "plant.key_switch"
    mode: Literal["maintenance", "manual"] = "maintenance"


class PlantParking(FaultModel):
    """Trucks that come meanwhile stand so far off."""

    kind: Literal["plant.parking"] = "plant.parking"
    x_error_mm: float = Field(ge=-300, le=300)
