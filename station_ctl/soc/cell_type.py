"""A pack type as data: read from its file; whatever is wrong is refused with the field and its line.

type_sections explains each field; docs/soc.md how `station-ctl soc fit` finds it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from drivers import toml
from drivers.errors import StationError
from station_ctl import whole_file
from station_ctl.soc import where
from station_ctl.soc.type_rules import Section
from station_ctl.soc.type_sections import Curve, Dynamics, Health, Limits, Terms, Trust

SHIPPED: Final = ("lfp-302ah-177s",)
MOST_BYTES: Final = 1 << 20
"""What drivers.toml reads; one byte more and it says so."""

UNITS: Final = {
    "_ah": "Ah", "_v_per_k": "V/K", "_v": "V of one cell", "_s": "s", "at_c": "degC", "_c": "C, capacities an hour",
    "soc": "parts of 1", "capacity": "parts of 1", "graphite": "parts of 1", "weight": "parts of 1",
    "knee_from": "parts of 1",
}  # fmt: skip
"""By the end of a field's name, for whoever wrote mV, K or %."""


class TypeFileError(StationError):
    """The type file cannot be used. Names file, line, field, value and limit."""


NAME: Final = r"^[a-z0-9-]{1,40}$"


class CellType(Section):
    """One pack type."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    name: Annotated[str, Field(pattern=NAME)]
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
    health: Annotated[tuple[Health, ...], Field(min_length=6, max_length=6)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not 0.7 <= self.capacity_ah / self.nominal_ah <= 1.3:
            raise ValueError(f"capacity_ah: {self.capacity_ah} is not within 30 % of nominal_ah ({self.nominal_ah})")
        together = sum(health.weight for health in self.health)
        if abs(together - 1) > 0.01:
            raise ValueError(f"health: the weights are {together:.4g} together, not 1")
        return self


def load(name: str | Path) -> CellType:
    """A shipped type by its name, or a file (`.toml`). Raises TypeFileError."""
    if str(name) in SHIPPED:
        return parse(resources.files("station_ctl.soc").joinpath("types", f"{name}.toml").read_text("utf-8"), str(name))
    path = Path(name)
    if path.suffix.lower() != ".toml":
        raise TypeFileError("no such pack type", where=str(name), limit=f"{', '.join(SHIPPED)}, or a .toml file")
    try:
        return parse(whole_file.read(path, MOST_BYTES).decode("utf-8-sig"), str(path))
    except OSError as e:
        raise TypeFileError("cannot be read", where=str(path), value=e.strerror) from e
    except UnicodeDecodeError as e:
        raise TypeFileError("is no text in UTF-8", where=str(path), value=f"byte {e.start}") from e


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
    named = next((part for part in reversed(path) if not part.isdigit()), "")
    unit = next((unit for end, unit in UNITS.items() if named.endswith(end)), "")
    return TypeFileError(
        f"{'.'.join(path)}: {message[0].lower()}{message[1:]}",
        where=f"{file}, line {line}",
        value=None if isinstance(first["input"], dict | tuple | BaseModel) else first["input"],
        remedy=f"{named} is in {unit}" if unit and first["type"] != "missing" else "",
    )
