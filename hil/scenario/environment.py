"""environment.toml: what is where at a rig. Scenarios name capabilities, this file names devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers import toml
from drivers.errors import StationError
from hil.scenario.lines import lines
from hil.scenario.refusal import first, in_words, line_of, spot_of
from hil.scenario.words import Capability
from station_ctl.sections import CanSection, Host, Port

Command = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]


class EnvironmentFileError(StationError):
    """The environment file cannot be used; nothing was opened. `where` is file:line."""


class Part(BaseModel):
    """Common rules of all sections."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Device(Part):
    """`[device]`: the device under test, a machine of its own that runs the controller."""

    station: Path = Field(strict=False, description="The station.toml that the device runs with.")
    power_off: Command | None = Field(None, description="Takes its power, or kills the service.")
    power_on: Command | None = Field(None, description="Gives it back, or starts the service.")
    command_timeout_s: float = Field(60.0, gt=0, le=600, description="How long one of the two may take.")

    @model_validator(mode="after")
    def _both(self) -> Device:
        if (self.power_off is None) != (self.power_on is None):
            raise ValueError("power_off and power_on belong together")
        return self


class Plc(Part):
    """`[plc]`: where the bench listens in the robot PLC's place."""

    listen: Host = Field(description="Address of the bench on the device's network.")
    port: Port = Field(502, description="Modbus/TCP port.")


class Broker(Part):
    """`[broker]`: the broker that the device uses, as the bench reaches it."""

    host: Host = Field(description="Address of the MQTT 5 broker.")
    port: Port = Field(1883, description="Its port.")


class Environment(Part):
    """The whole file. can: one for each [[can]] of the device's station.toml, by its name; the bench's end of it."""

    device: Device
    plc: Plc
    broker: Broker
    can: tuple[CanSection, ...] = Field(min_length=1, strict=False)
    without: tuple[Capability, ...] = Field((), strict=False, description="What this rig cannot do after all.")


def load(path: Path) -> Environment:
    """Read an environment file. Raises EnvironmentFileError, naming file and line; nothing is opened."""
    try:
        text = path.read_text(encoding="utf-8")
        document = toml.loads(text)
    except (OSError, UnicodeDecodeError, toml.TOMLDecodeError) as e:
        raise EnvironmentFileError("cannot be read", where=str(path), value=str(e)) from e
    try:
        found = Environment.model_validate(document)
    except ValidationError as e:
        raise _explain(e, document, text, path) from e
    station = path.parent / found.device.station
    return found.model_copy(update={"device": found.device.model_copy(update={"station": station})})


def _explain(refused: ValidationError, document: dict[str, Any], text: str, path: Path) -> EnvironmentFileError:
    error, rest = first(refused)
    spot = spot_of(error["loc"], document)
    section = _SECTIONS.get(str(error["loc"][0]), Environment) if len(error["loc"]) > 1 else Environment
    what, value, remedy = in_words(error, spot, sorted(section.model_fields))
    where = f"{path}:{line_of(spot, lines(text))}"
    return EnvironmentFileError(what, where=where, value=value, remedy="; ".join(filter(None, (remedy, rest))))


_SECTIONS: dict[str, type[BaseModel]] = {"device": Device, "plc": Plc, "broker": Broker, "can": CanSection}
