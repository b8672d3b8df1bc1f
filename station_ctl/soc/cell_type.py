"""A pack type as data: read from its file; whatever is wrong is refused with the field and its line.

type_sections explains each field; docs/soc.md how `station-ctl soc fit` finds it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, ValidationError

from drivers import toml
from drivers.errors import StationError
from station_ctl.soc import where
from station_ctl.soc.type_sections import Curve, Dynamics, Health, Limits, Section, Terms, Trust

SHIPPED: Final = ("lfp-302ah-177s",)


class TypeFileError(StationError):
    """The type file cannot be used. Names file, line, field, value and limit."""


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
    health: Annotated[tuple[Health, ...], Field(min_length=6, max_length=6)]


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
