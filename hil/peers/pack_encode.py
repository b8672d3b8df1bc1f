"""A plant's pack as the bytes of its BMS's messages, with the noise that the BMS's sensors have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from drivers.dbc import catalogue
from drivers.reading import Signal
from hil.plant import cells
from hil.plant.cells import CAPACITY_AH, CELLS, NOMINAL_CELL_V, NOMINAL_KWH
from hil.plant.pack import Pack

_PACK: Final = catalogue("pack")
_LFP = 3
_LIMIT_V, _CELL_LIMIT_V, _LIMIT_A, _LIMIT_C = 646.0, 3.65, 302.0, 60.0
_CONSTANT_CURRENT = 2
_OWNED = 1
_NOISE_V, _NOISE_CELL_V, _NOISE_A, _NOISE_K, _NOISE_OF_INSULATION = 0.1, 0.001, 0.1, 0.15, 0.01
"""Standard deviations of a healthy BMS's readings; of the insulation, as a share of it."""
_WARMEST, _COLDEST = cells.PROFILE_K.index(max(cells.PROFILE_K)), cells.PROFILE_K.index(min(cells.PROFILE_K))


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
    noise = pack.rng.gauss
    seen_v = (max(0.0, v + noise(0.0, _NOISE_CELL_V)) for v in pack.cell_voltages_v())
    return b"".join((round(v * 100) & 0xFFF).to_bytes(2, "little") for v in seen_v)


def encode_temperatures(pack: Pack) -> bytes:
    """BMT: one byte a probe, from -50 degC."""
    noise = pack.rng.gauss
    return bytes(_celsius(t + noise(0.0, _NOISE_K)) + 50 for t in pack.temperatures_c())


def _bcp(pack: Pack, _: int) -> Mapping[str, float]:
    return {
        "cell_voltage_limit_v": _CELL_LIMIT_V,
        "current_limit_a": -_LIMIT_A,
        "energy_nominal_kwh": NOMINAL_KWH,
        "voltage_limit_v": _LIMIT_V,
        "temperature_limit_c": _LIMIT_C,
        "soc_pct": round(pack.soc_pct, 1),
        "pack_voltage_v": _noisy(pack, pack.voltage_v, _NOISE_V, 1),
    }


def _bcl(pack: Pack, _: int) -> Mapping[str, float]:
    return {
        "voltage_demand_v": _LIMIT_V,
        "current_demand_a": -pack.current_demand_a,
        "mode": _CONSTANT_CURRENT,
    }


def _bcs(pack: Pack, _: int) -> Mapping[str, float]:
    missing_ah = (100.0 - pack.soc_pct) / 100.0 * pack.capacity_ah
    minutes = missing_ah / pack.current_a * 60.0 if pack.current_a > 1.0 else 600.0
    return {
        "pack_voltage_v": _noisy(pack, pack.voltage_v, _NOISE_V, 1),
        "pack_current_a": _noisy(pack, -pack.current_a, _NOISE_A, 1),
        "cell_voltage_max_v": _noisy(pack, pack.cell_voltage_max_v, _NOISE_CELL_V, 2),
        "cell_group": 0,
        "soc_pct": round(pack.soc_pct),
        "remaining_min": round(min(600.0, minutes)),
    }


def _bsm(pack: Pack, _: int) -> Mapping[str, float]:
    faults, body_c = pack.faults, pack.temperature_c
    hottest_c, coldest_c = pack.temperature_max_c, body_c + cells.PROFILE_K[_COLDEST]
    hottest = _WARMEST if hottest_c <= body_c + cells.PROFILE_K[_WARMEST] else cells.TEMPERATURE_POINTS - 1
    return {
        "cell_number": 1 if pack.runaway is None else CELLS,
        "temperature_max_c": _celsius(_noisy(pack, hottest_c, _NOISE_K, 0)),
        "hottest_point": hottest + 1,
        "temperature_min_c": _celsius(_noisy(pack, coldest_c, _NOISE_K, 0)),
        "coldest_point": _COLDEST + 1,
        "cell_voltage": faults.cell_voltage,
        "soc": 0,
        "overcurrent": faults.overcurrent,
        "overtemperature": faults.overtemperature,
        "insulation": faults.insulation,
        "connector": faults.connector,
        "charge_permitted": faults.charge_permitted,
    }


def _pms(pack: Pack, counter: int) -> Mapping[str, float]:
    said, insulation = pack.faults.contactor_signal, pack.insulation_ohm_per_v
    return {
        "contactor_closed": said if said is not None else Signal(int(pack.contactor_closed)),
        "thermal_event": pack.faults.thermal_event,
        "counter": counter,
        "link_voltage_v": max(0.0, _noisy(pack, pack.link_voltage_v, _NOISE_V, 1)),
        "insulation_ohm_per_v": max(0.0, min(_noisy(pack, insulation, insulation * _NOISE_OF_INSULATION, -1), 65023.0)),
        "soh_pct": pack.soh_pct,
    }


def _encoder(name: str, values: Callable[[Pack, int], Mapping[str, float]]) -> Callable[[Pack, int], bytes]:
    """Remembers the bytes of what has been sent: in whole steps of the wire, most messages repeat."""

    @lru_cache(maxsize=4096)
    def encode(items: tuple[tuple[str, float], ...]) -> bytes:
        return _PACK.encode(name, dict(items))

    return lambda pack, counter: encode(tuple(values(pack, counter).items()))


ENCODERS: Final[dict[str, Callable[[Pack, int], bytes]]] = {
    name: _encoder(name, values)
    for name, values in (("BCP", _bcp), ("BCL", _bcl), ("BCS", _bcs), ("BSM", _bsm), ("PMS", _pms))
}
"""Message name -> bytes from the pack and the rolling counter."""


def _celsius(value_c: float) -> int:
    """The nearest whole degree that the byte can say."""
    return round(min(max(value_c, -50.0), 200.0))


def _noisy(pack: Pack, value: float, noise: float, digits: int) -> float:
    """One reading of a true value, in steps of the wire."""
    return round(value + pack.rng.gauss(0.0, noise), digits)
