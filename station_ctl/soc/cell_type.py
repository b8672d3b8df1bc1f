"""A pack type as data: what the battery owner measured, how far to believe it, and the limits. Units end the names.

`load` reads a type file; whatever is wrong is refused with the field and its line. docs/soc.md explains each field and
how `station-ctl soc fit` finds it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers import toml
from drivers.errors import StationError
from station_ctl.soc import where

SHIPPED: Final = ("lfp-302ah-177s",)
COLDEST_NEEDED_C: Final = 0.0
WARMEST_NEEDED_C: Final = 25.0
"""Terms have to be measured at least between these: nothing colder or warmer than the last is made up far."""

Volt = Annotated[float, Field(ge=1.5, le=4.5)]
Share = Annotated[float, Field(gt=0, lt=1)]
Many = Annotated[tuple[float, ...], Field(min_length=2, max_length=64)]


class TypeFileError(StationError):
    """The type file cannot be used. Names file, line, field, value and limit."""


class Section(BaseModel):
    """Common rules of all sections."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Curve(Section):
    """`[curve]`: open-circuit voltage of a fresh cell at 25 degC over the charge, by branch."""

    soc: Annotated[tuple[float, ...], Field(min_length=21, max_length=1001)]
    discharge_v: tuple[Volt, ...]
    charge_v: tuple[Volt, ...]
    entropy_v_per_k: tuple[Annotated[float, Field(ge=-0.005, le=0.005)], ...]
    knee_from: Annotated[float, Field(ge=0.8, le=0.97)] = 0.92
    """Charge from which the top knee rises off the plateau."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("discharge_v", "charge_v", "entropy_v_per_k"):
            if len(getattr(self, name)) != len(self.soc):
                raise ValueError(f"{name}: {len(getattr(self, name))} values for {len(self.soc)} of soc")
        for name in ("soc", "discharge_v", "charge_v"):
            rising(name, getattr(self, name))
        if abs(self.soc[0]) > 1e-6 or abs(self.soc[-1] - 1) > 1e-6:
            raise ValueError(f"soc: from {self.soc[0]} to {self.soc[-1]}, not from 0 to 1")
        for k, (low, high) in enumerate(zip(self.discharge_v, self.charge_v, strict=True)):
            if low > high:
                raise ValueError(f"charge_v: below discharge_v at soc {self.soc[k]}")
        return self


class Terms(Section):
    """`[terms]`: what depends on temperature, each at every `at_c`; C-rates are of the fresh capacity."""

    at_c: Annotated[tuple[Annotated[float, Field(ge=-40, le=85)], ...], Field(min_length=3, max_length=32)]
    lag_gain: tuple[Annotated[float, Field(gt=0, lt=3)], ...]
    """Charge by which the particles' surface runs ahead of their mean at a steady 1 C."""
    lag_s: tuple[Annotated[float, Field(ge=1, le=36000)], ...]
    ohm_v: tuple[Annotated[float, Field(gt=0, lt=3)], ...]
    """Ohmic drop at 1 C."""
    exchange_c: tuple[Annotated[float, Field(gt=0, lt=1000)], ...]
    """Exchange current of the charge transfer, (2RT/F) asinh(i / i0)."""
    slow_v: tuple[Annotated[float, Field(ge=0, lt=3)], ...]
    """Drop of one slow resistor with a capacitor at a steady 1 C; 0: there is none."""
    slow_s: tuple[Annotated[float, Field(ge=0.1, le=3600)], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("lag_gain", "lag_s", "ohm_v", "exchange_c", "slow_v", "slow_s"):
            if len(getattr(self, name)) != len(self.at_c):
                raise ValueError(f"{name}: {len(getattr(self, name))} values for {len(self.at_c)} temperatures")
        rising("at_c", self.at_c)
        if self.at_c[0] > COLDEST_NEEDED_C or self.at_c[-1] < WARMEST_NEEDED_C:
            have, need = f"{self.at_c[0]} to {self.at_c[-1]}", f"{COLDEST_NEEDED_C} to {WARMEST_NEEDED_C}"
            raise ValueError(f"at_c: {have} degC is measured; temperatures from {need} are missing in part")
        return self


class Dynamics(Section):
    """`[dynamics]`: what does not depend on temperature."""

    fast_gain: Annotated[float, Field(ge=0, le=3)]
    """A second, faster lag: its gain and time as parts of the first's."""
    fast_s: Annotated[float, Field(gt=0, le=1)]
    branch_gain: Annotated[float, Field(gt=1, le=1000)]
    """exp(-branch_gain x charge) of the other branch is left after a charge."""
    branch_s: Annotated[float, Field(gt=0, le=7200)]
    """The branch follows the current's mean over this time."""
    knee_lag: Annotated[float, Field(ge=0, le=1)]
    """Part of the lag that the knee sees."""


class Trust(Section):
    """`[trust]`: how far measurement and model are believed."""

    window_s: Annotated[float, Field(ge=1, le=60)] = 5.0
    level_sd_v: Annotated[float, Field(gt=0, le=0.05)] = 0.006
    model_sd_v: Annotated[float, Field(gt=0, le=0.05)] = 0.010
    model_cold_per_k: Annotated[float, Field(ge=0, le=0.1)] = 0.03
    model_length: Share = 0.04
    model_s: Annotated[float, Field(ge=60, le=86400)] = 3600.0
    graphite_sd: Share = 0.003
    knee_sd: Share = 0.003
    eta_sd: Share = 0.01
    noise_v: Annotated[float, Field(ge=0.0001, le=0.05)] = 0.001
    swing_share: Annotated[float, Field(ge=0, le=10)] = 1.0
    scale_sd: Share = 0.12
    scale_wander: Share = 0.095
    branch_sd: Annotated[float, Field(gt=0, le=2)] = 0.6
    bias_sd_c: Share = 0.006
    bias_wander_c: Share = 0.0003
    meter_noise_c: Share = 0.0005
    charge_wander: Share = 0.002
    temper: Annotated[float, Field(gt=0, le=1)] = 0.5
    huber: Annotated[float, Field(ge=1, le=10)] = 3.0
    most_evidence: Annotated[float, Field(gt=0, le=100)] = 2.0


class Limits(Section):
    """`[limits]`: what the cell may be asked for, by its mean temperature."""

    cell_low_v: Volt
    cell_high_v: Volt
    at_c: Many
    charge_c: Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], Field(min_length=2)]
    discharge_c: Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        rising("at_c", self.at_c)
        for name in ("charge_c", "discharge_c"):
            if len(getattr(self, name)) != len(self.at_c):
                raise ValueError(f"{name}: {len(getattr(self, name))} values for {len(self.at_c)} temperatures")
        if self.cell_low_v >= self.cell_high_v:
            raise ValueError(f"cell_high_v: {self.cell_high_v} is not above cell_low_v")
        return self


class Health(Section):
    """`[[health]]`: what the capacity of a pack with no record may be; four of them."""

    weight: Annotated[float, Field(gt=0, le=1)]
    capacity: Annotated[float, Field(ge=0.4, le=1.2)]
    sd: Annotated[float, Field(gt=0, le=0.2)]


class CellType(Section):
    """One pack type."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    source: Annotated[str, Field(min_length=1, max_length=400)]
    capacity_ah: Annotated[float, Field(ge=0.1, le=2000)]
    """Measured capacity of a fresh cell, not the nominal one."""
    nominal_ah: Annotated[float, Field(ge=0.1, le=2000)]
    cells_in_series: Annotated[int, Field(ge=1, le=512)]
    curve: Curve
    terms: Terms
    dynamics: Dynamics
    trust: Trust
    limits: Limits
    health: Annotated[tuple[Health, ...], Field(min_length=4, max_length=4)]


def rising(name: str, values: tuple[float, ...]) -> None:
    """ValueError unless each is above the one before."""
    for k in range(1, len(values)):
        if values[k] <= values[k - 1]:
            raise ValueError(f"{name}: does not rise at value {k + 1} ({values[k]} after {values[k - 1]})")


def load(name: str | Path) -> CellType:
    """A shipped type by its name, or a file (`.toml`). Raises TypeFileError."""
    if str(name) in SHIPPED:
        return parse(resources.files("station_ctl.soc").joinpath("types", f"{name}.toml").read_text("utf-8"), str(name))
    path = Path(name)
    if path.suffix != ".toml":
        raise TypeFileError("no such pack type", where=str(name), limit=f"{', '.join(SHIPPED)}, or a .toml file")
    try:
        return parse(path.read_text("utf-8"), str(path))
    except OSError as e:
        raise TypeFileError("cannot be read", where=str(path), value=e.strerror) from e


def parse(text: str, file: str) -> CellType:
    """Raises TypeFileError for the first thing that is wrong."""
    try:
        content = toml.loads(text)
    except toml.TOMLDecodeError as e:
        raise TypeFileError("is not TOML", where=file, value=str(e)) from e
    try:
        return CellType.model_validate(_tuples(content))
    except ValidationError as e:
        raise _refusal(text, file, e) from e


def _tuples(value: Any) -> Any:
    """Arrays as tuples and whole numbers as they are meant: TOML writes 1 where 1.0 is."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    return value


def _refusal(text: str, file: str, error: ValidationError) -> TypeFileError:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    message = first["msg"].removeprefix("Value error, ")
    field, colon, rest = message.partition(": ")
    if first["type"] == "value_error" and colon:
        path.append(field)
        message = rest
    line = where.line_of(text, path)
    return TypeFileError(
        f"{'.'.join(path)}: {message[0].lower()}{message[1:]}",
        where=f"{file}, line {line}",
        value=None if isinstance(first["input"], dict | tuple | BaseModel) else first["input"],
    )
