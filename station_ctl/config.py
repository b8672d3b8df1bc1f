"""station.toml as a typed model: bounds at the definition, unknown keys refused, safety limits only tightened."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from drivers import toml
from drivers.errors import StationError
from station_ctl.addresses import canonical
from station_ctl.limits import SafetySection
from station_ctl.sections import (
    BaySection,
    BlackboxSection,
    CanSection,
    ChargerSection,
    ChargingSection,
    GridSection,
    IssuerSection,
    MeterSection,
    MountSection,
    MqttSection,
    PacksSection,
    RobotSection,
    Section,
    SocSection,
    StationSection,
    SwapSection,
    TruckSection,
)


class ConfigError(StationError):
    """The configuration cannot be used; nothing was started. Names file, key, value and limit."""


class Config(Section):
    """The whole of station.toml."""

    station: StationSection
    robot: RobotSection
    can: tuple[CanSection, ...] = Field(min_length=1, strict=False)
    packs: PacksSection = PacksSection()
    truck: TruckSection = TruckSection()
    bay: tuple[BaySection, ...] = Field(min_length=2, max_length=24, strict=False)
    mount: tuple[MountSection, ...] = Field(min_length=1, max_length=3, strict=False)
    mqtt: MqttSection = MqttSection()
    issuer: tuple[IssuerSection, ...] = Field((), strict=False)
    swap: SwapSection = SwapSection()
    charging: ChargingSection = ChargingSection()
    grid: GridSection = GridSection()
    blackbox: BlackboxSection = BlackboxSection()
    soc: SocSection = SocSection()
    safety: SafetySection = SafetySection()

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        _unique("can.name", [bus.name for bus in self.can])
        _unique("bay.number", [bay.number for bay in self.bay])
        _unique("mount.number", [mount.number for mount in self.mount])
        addresses = [*(b.can_address for b in self.bay), *(m.can_address for m in self.mount)]
        _unique("can_address", [*addresses, self.packs.station_address, self.truck.address])
        for section in ("packs", "truck"):
            bus = getattr(self, section).bus
            if bus not in {c.name for c in self.can}:
                raise ValueError(f"{section}.bus names {bus!r}, which is no [[can]] name")
        return self

    @model_validator(mode="after")
    def _grid_limited(self) -> Config:
        devices = {f"bay {b.number} {name}": getattr(b, name) for b in self.bay for name in ("charger", "meter")}
        _one_each({**devices, "grid meter": self.grid.meter})
        if any(b.charger is not None for b in self.bay):
            if self.grid.limit_kw is None:
                raise ValueError("grid.limit_kw is needed: a bay has a charger")
            if self.grid.reserve_kw >= self.grid.limit_kw:
                raise ValueError("grid.reserve_kw leaves nothing of grid.limit_kw for the chargers")
        return self


def _unique(key: str, values: list[Any]) -> None:
    twice = sorted({v for v in values if values.count(v) > 1})
    if twice:
        raise ValueError(f"{key} must be unique; {twice} stands more than once")


def _one_each(devices: Mapping[str, ChargerSection | MeterSection | None]) -> None:
    """Raises ValueError if two of them are the same unit at the same address."""
    found: dict[tuple[str, int, int], str] = {}
    for name, device in devices.items():
        if device is None:
            continue
        key = (canonical(device.host), device.port, device.unit)
        said = f"{name} ({device.host}:{device.port} unit {device.unit})"
        if key in found:
            raise ValueError(f"host, port and unit must be unique; {found[key]} and {said} are one device")
        found[key] = said


def load(path: Path) -> Config:
    """Read and check a configuration file.

    Raises ConfigError for an unreadable file, bad TOML, or the first key that is unknown, missing or out of bounds.
    """
    try:
        return parse(toml.loads(path.read_text(encoding="utf-8")), str(path))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError("cannot be read", where=str(path), value=str(e), remedy="check the path and its mode") from e
    except toml.TOMLDecodeError as e:
        raise ConfigError("is not valid TOML", where=str(path), value=str(e), remedy="mend the line named") from e


def parse(document: dict[str, Any], source: str) -> Config:
    """Check a configuration already read; `source` names it in errors. Raises ConfigError."""
    try:
        return Config.model_validate(document)
    except ValidationError as e:
        raise _explain(e, source) from e


def _explain(error: ValidationError, source: str) -> ConfigError:
    first, rest = error.errors()[0], error.error_count() - 1
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    remedy = f"{rest} more to mend" if rest else ""
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _keys_beside(first["loc"]), 1, 0.4)
        hint = f"nearest known key: {near[0]}" if near else f"known keys: {', '.join(_keys_beside(first['loc']))}"
        return ConfigError(f"{key} is not a known key", where=source, remedy="; ".join(filter(None, (hint, remedy))))
    if first["type"] == "missing":
        return ConfigError(f"{key} is missing", where=source, remedy=remedy or "see the example file for its meaning")
    value = first["input"] if not isinstance(first["input"], (dict, list)) else None
    limit = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return ConfigError(f"{key} is not acceptable", where=source, value=value, limit=limit, remedy=remedy)


def _keys_beside(loc: Iterable[int | str]) -> list[str]:
    model: type[BaseModel] = Config
    for part in list(loc)[:-1]:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        inner = getattr(annotation, "__args__", (annotation,))[0]
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return sorted(model.model_fields)
