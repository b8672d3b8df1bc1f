"""A plant's pack as the bytes of its BMS's messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from drivers.dbc import catalogue
from drivers.reading import Signal
from hil.plant.pack import CAPACITY_AH, CELLS, NOMINAL_CELL_V, NOMINAL_KWH, Pack

_PACK: Final = catalogue("pack")
_LFP = 3
_LIMIT_V, _CELL_LIMIT_V, _LIMIT_A, _LIMIT_C = 646.0, 3.65, 302.0, 60.0
_CONSTANT_CURRENT = 2
_OWNED = 1


def encode_bhm(pack: Pack) -> bytes:
    """BHM: highest voltage the pack allows."""
    del pack  # the same for all of this type
    return _PACK.encode("BHM", {"voltage_limit_v": _LIMIT_V})


def encode_brm(pack: Pack) -> bytes:
    """BRM: who the pack is. The VIN is left not available: a swap pack belongs to no truck."""
    maker, number = pack.serial.split("-")
    values = {
        "version_minor": 1,
        "version_major": 1,
        "chemistry": _LFP,
        "rated_capacity_ah": CAPACITY_AH,
        "rated_voltage_v": CELLS * NOMINAL_CELL_V,
        "maker": int.from_bytes(maker.encode("ascii"), "little"),
        "serial_number": int(number),
        "production_year": 2025,
        "production_month": 6,
        "production_day": 1,
        "charge_cycles": pack.cycles,
        "ownership": _OWNED,
    }
    return _PACK.encode("BRM", values)


def encode_voltages(pack: Pack) -> bytes:
    """BMV: 12 bits of 0.01 V and 4 bits of group number a cell."""
    return b"".join((round(v * 100) & 0xFFF).to_bytes(2, "little") for v in pack.cell_voltages_v())


def encode_temperatures(pack: Pack) -> bytes:
    """BMT: one byte a probe, from -50 degC."""
    return bytes(_celsius(t) + 50 for t in pack.temperatures_c())


def _bcp(pack: Pack, _: int) -> Mapping[str, float]:
    return {
        "cell_voltage_limit_v": _CELL_LIMIT_V,
        "current_limit_a": -_LIMIT_A,
        "energy_nominal_kwh": NOMINAL_KWH,
        "voltage_limit_v": _LIMIT_V,
        "temperature_limit_c": _LIMIT_C,
        "soc_pct": pack.soc_pct,
        "pack_voltage_v": pack.voltage_v,
    }


def _bcl(pack: Pack, _: int) -> Mapping[str, float]:
    wanted = pack.faults.charge_permitted is Signal.TRUE and pack.soc_pct < 100.0
    return {
        "voltage_demand_v": _LIMIT_V,
        "current_demand_a": -_LIMIT_A if wanted else 0.0,
        "mode": _CONSTANT_CURRENT,
    }


def _bcs(pack: Pack, _: int) -> Mapping[str, float]:
    missing_ah = (100.0 - pack.soc_pct) / 100.0 * pack.capacity_ah
    minutes = missing_ah / pack.current_a * 60.0 if pack.current_a > 1.0 else 600.0
    return {
        "pack_voltage_v": pack.voltage_v,
        "pack_current_a": -pack.current_a,
        "cell_voltage_max_v": max(pack.cell_voltages_v()),
        "cell_group": 0,
        "soc_pct": pack.soc_pct,
        "remaining_min": min(600.0, minutes),
    }


def _bsm(pack: Pack, _: int) -> Mapping[str, float]:
    faults, temperatures = pack.faults, pack.temperatures_c()
    return {
        "cell_number": 1,
        "temperature_max_c": _celsius(max(temperatures)),
        "hottest_point": temperatures.index(max(temperatures)) + 1,
        "temperature_min_c": _celsius(min(temperatures)),
        "coldest_point": temperatures.index(min(temperatures)) + 1,
        "cell_voltage": faults.cell_voltage,
        "soc": 0,
        "overcurrent": faults.overcurrent,
        "overtemperature": faults.overtemperature,
        "insulation": faults.insulation,
        "connector": faults.connector,
        "charge_permitted": faults.charge_permitted,
    }


def _pms(pack: Pack, counter: int) -> Mapping[str, float]:
    said = pack.faults.contactor_signal
    return {
        "contactor_closed": said if said is not None else Signal(int(pack.contactor_closed)),
        "thermal_event": pack.faults.thermal_event,
        "counter": counter,
        "link_voltage_v": pack.link_voltage_v,
        "insulation_ohm_per_v": min(pack.insulation_ohm_per_v, 65023.0),
        "soh_pct": pack.soh_pct,
    }


def _encoder(name: str, values: Callable[[Pack, int], Mapping[str, float]]) -> Callable[[Pack, int], bytes]:
    return lambda pack, counter: _PACK.encode(name, values(pack, counter))


ENCODERS: Final[dict[str, Callable[[Pack, int], bytes]]] = {
    name: _encoder(name, values)
    for name, values in (("BCP", _bcp), ("BCL", _bcl), ("BCS", _bcs), ("BSM", _bsm), ("PMS", _pms))
}
"""Message name -> bytes from the pack and the rolling counter."""


def _celsius(value_c: float) -> int:
    """The nearest whole degree that the byte can say."""
    return round(min(max(value_c, -50.0), 200.0))
