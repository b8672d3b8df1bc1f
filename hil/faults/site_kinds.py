"""Faults around the controller: its broker, its disk, its clock, its power, and people."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from hil.faults.model import Count, Delay, FaultModel, Input, Messages


class BrokerOutage(FaultModel):
    """The broker is not there."""

    kind: Literal["broker.outage"] = "broker.outage"


class BrokerDuplicate(Messages):
    """Messages arrive twice, as QoS 1 allows."""

    kind: Literal["broker.duplicate"] = "broker.duplicate"


class BrokerReorder(Messages):
    """Messages are held back for delay_ms; later ones overtake them."""

    kind: Literal["broker.reorder"] = "broker.reorder"
    delay_ms: Delay = 500.0


class BrokerOldCommand(FaultModel):
    """Commands that passed before are delivered again, byte for byte, as from a retained topic or a stale session.

    every_s: one each time. min_age_s: none that is younger. retained: with the retain flag.
    """

    kind: Literal["broker.old_command"] = "broker.old_command"
    every_s: float = Field(5.0, ge=0.05, le=3600)
    min_age_s: float = Field(0.0, ge=0, le=86_400)
    retained: bool = False
    count: Count | None = 1


class BrokerSlow(FaultModel):
    """Every message comes late by delay_ms and up to jitter_ms more; their order is kept."""

    kind: Literal["broker.slow"] = "broker.slow"
    delay_ms: Delay = 1000.0
    jitter_ms: Delay = 0.0


class PlcReboot(FaultModel):
    """The PLC loses its power, for lasts_s. in_move: not before a motion is under way."""

    kind: Literal["plc.reboot"] = "plc.reboot"
    in_move: bool = False


class ControllerKill(FaultModel):
    """The controller is killed as by a power cut of its PC, and started again after lasts_s."""

    kind: Literal["controller.kill"] = "controller.kill"


class DiskFull(FaultModel):
    """The disk is full: operations fail, once after_operations of them have gone well."""

    kind: Literal["disk.full"] = "disk.full"
    after_operations: int = Field(0, ge=0, le=1_000_000)
    count: Count | None = None


class DiskSyncFailed(FaultModel):
    """The disk reports an error. written: what was to be written is there all the same."""

    kind: Literal["disk.sync_failed"] = "disk.sync_failed"
    after_operations: int = Field(0, ge=0, le=1_000_000)
    count: Count | None = None
    written: bool = False


class DiskTornWrite(FaultModel):
    """The controller's PC loses power in the middle of an operation: a part of it is on the disk."""

    kind: Literal["disk.torn_write"] = "disk.torn_write"
    after_operations: int = Field(0, ge=0, le=1_000_000)


class WallClockJump(FaultModel):
    """The wall clock jumps, by up to ten years; healed, it is right again. Durations must not notice."""

    kind: Literal["wall_clock.jump"] = "wall_clock.jump"
    jump_s: float = Field(ge=-3.2e8, le=3.2e8)

    @field_validator("jump_s")
    @classmethod
    def _jumps(cls, jump_s: float) -> float:
        if jump_s == 0:
            raise ValueError("a jump of 0 is none")
        return jump_s


class PeopleZone(Input):
    """Somebody is in the robot's zone."""

    kind: Literal["people.zone"] = "people.zone"


class PeopleEstop(Input):
    """An emergency stop is pressed."""

    kind: Literal["people.estop"] = "people.estop"


class PeopleDoors(Input):
    """A door is opened."""

    kind: Literal["people.doors"] = "people.doors"


class PeopleFire(Input):
    """The fire alarm is set off."""

    kind: Literal["people.fire"] = "people.fire"


class PeopleButton(FaultModel):
    """Somebody gives a command at the console, whether it makes sense now or not."""

    kind: Literal["people.button"] = "people.button"
    verb: Literal["authorise", "hold", "resume", "back_out", "abort", "clear", "reset"]
