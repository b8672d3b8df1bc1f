"""What each message of a BMS says, as readings named like the fields of PackStatus (GB/T 27930, docs/pack-can.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from drivers.can_values import Readings, number, signal
from drivers.dbc import Sample, catalogue
from drivers.errors import BadData
from drivers.pack_status import PackIdentity
from drivers.reading import Quality, Reading

BMV: Final = 0x1500
"""PGN of the cell voltages: variable length, so not in the DBC file."""
BMT: Final = 0x1600
"""PGN of the probe temperatures: variable length, so not in the DBC file."""

_MAX_CELLS, _MAX_PROBES = 256, 128
_CELL_ERROR = 0xFE0  # from this 12-bit value on: error, then not available
_PROBE_ERROR = 0xFE

_PACK = catalogue("pack")

FROM_BMS: Final[Mapping[int, str]] = {
    _PACK.infos[name].pgn: name for name in ("BHM", "BRM", "BCP", "BCL", "BCS", "BSM", "BST", "PMS")
} | {BMV: "BMV", BMT: "BMT"}
"""PGN of each message of a BMS that is taken, and its name."""


def decode(name: str, data: bytes, now_s: float) -> Readings:
    """The readings of one message of the pack DBC file, BMV or BMT.

    Raises BadData if the bytes cannot be that message.
    """
    if name == "BMV":
        return {"cell_voltages_v": _cell_voltages(data, now_s)}
    if name == "BMT":
        return {"temperatures_c": _temperatures(data, now_s)}
    reader = _READERS.get(name)
    return reader(_PACK.decode(name, data), now_s) if reader is not None else {}


def counter_of(data: bytes) -> int:
    """The rolling counter of a PMS message."""
    return data[0] >> 4


def _brm(raw: Mapping[str, Sample], now_s: float) -> Readings:
    maker = int(raw["maker"][0]).to_bytes(4, "little")
    serial, quality = raw["serial_number"]
    if quality is Quality.NOT_AVAILABLE:
        return {"identity": Reading(None, quality, now_s)}
    text = "".join(chr(byte) if 0x20 < byte < 0x7F else "?" for byte in maker)
    trusted = quality is Quality.GOOD and "?" not in text and serial <= 99_999_999
    identity = PackIdentity(
        serial=f"{text}-{int(serial):08d}",
        chemistry=int(raw["chemistry"][0]),
        rated_capacity_ah=raw["rated_capacity_ah"][0],
        rated_voltage_v=raw["rated_voltage_v"][0],
        cycles=int(raw["charge_cycles"][0]),
    )
    return {"identity": Reading(identity, Quality.GOOD if trusted else Quality.UNTRUSTED, now_s)}


def _bcp(raw: Mapping[str, Sample], now_s: float) -> Readings:
    return {
        "energy_nominal_kwh": number(raw["energy_nominal_kwh"], "kWh", now_s),
        "soc_pct": number(raw["soc_pct"], "%", now_s),
    }


def _bcs(raw: Mapping[str, Sample], now_s: float) -> Readings:
    return {
        "pack_voltage_v": number(raw["pack_voltage_v"], "V", now_s),
        "pack_current_a": number(_charging(raw["pack_current_a"]), "A", now_s),
        "cell_voltage_max_v": number(raw["cell_voltage_max_v"], "V", now_s),
        "soc_pct": number(raw["soc_pct"], "%", now_s),
        "remaining_min": number(raw["remaining_min"], "min", now_s),
    }


def _bcl(raw: Mapping[str, Sample], now_s: float) -> Readings:
    return {
        "voltage_demand_v": number(raw["voltage_demand_v"], "V", now_s),
        "current_demand_a": number(_charging(raw["current_demand_a"]), "A", now_s),
    }


def _bsm(raw: Mapping[str, Sample], now_s: float) -> Readings:
    state, good = raw["cell_voltage"]
    cell_fault = 1 if state == 2 else state  # 1 is too high, 2 too low: both a fault
    return {
        "temperature_max_c": number(raw["temperature_max_c"], "degC", now_s),
        "temperature_min_c": number(raw["temperature_min_c"], "degC", now_s),
        "cell_voltage_fault": signal((cell_fault, good), now_s),
        "overcurrent": signal(raw["overcurrent"], now_s),
        "overtemperature": signal(raw["overtemperature"], now_s),
        "insulation_fault": signal(raw["insulation"], now_s),
        "connector_fault": signal(raw["connector"], now_s),
        "charge_permitted": signal(raw["charge_permitted"], now_s),
    }


def _pms(raw: Mapping[str, Sample], now_s: float) -> Readings:
    return {
        "contactor_closed": signal(raw["contactor_closed"], now_s),
        "thermal_event": signal(raw["thermal_event"], now_s),
        "link_voltage_v": number(raw["link_voltage_v"], "V", now_s),
        "insulation_ohm_per_v": number(raw["insulation_ohm_per_v"], "ohm/V", now_s),
        "soh_pct": number(raw["soh_pct"], "%", now_s),
    }


_READERS: Final[dict[str, Callable[[Mapping[str, Sample], float], Readings]]] = {
    "BRM": _brm,
    "BCP": _bcp,
    "BCS": _bcs,
    "BCL": _bcl,
    "BSM": _bsm,
    "PMS": _pms,
}


def _charging(sample: Sample) -> Sample:
    """GB/T 27930 counts a charging current negative, PackStatus counts it positive."""
    return 0.0 - sample[0], sample[1]


def _cell_voltages(data: bytes, now_s: float) -> Reading[tuple[float, ...]]:
    """Two bytes a cell: 12 bits of 0.01 V, 4 bits of group number."""
    if len(data) % 2 or not 0 < len(data) <= 2 * _MAX_CELLS:
        raise BadData("length is not two bytes a cell", where="BMV", value=len(data), limit=f"2..{2 * _MAX_CELLS}")
    raw = [(low | high << 8) & 0xFFF for low, high in zip(data[::2], data[1::2], strict=True)]
    values = tuple(round(value * 0.01, 2) for value in raw)
    return Reading(values, _worst(max(raw), _CELL_ERROR), now_s, "V")


def _temperatures(data: bytes, now_s: float) -> Reading[tuple[float, ...]]:
    """One byte a probe, 1 degC from -50 degC."""
    if not 0 < len(data) <= _MAX_PROBES:
        raise BadData("length is not one byte a probe", where="BMT", value=len(data), limit=f"1..{_MAX_PROBES}")
    quality = _worst(max(data), _PROBE_ERROR)
    return Reading(tuple(float(byte - 50) for byte in data), quality, now_s, "degC")


def _worst(highest: int, error: int) -> Quality:
    """One cell that is not measured makes the whole list one that is not to be believed."""
    return Quality.UNTRUSTED if highest >= error else Quality.GOOD
