"""The shipped DBC files say what the GB/T 27930 catalogue says: bytes by hand against decoded values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.dbc import catalogue
from drivers.errors import BadData
from drivers.reading import Quality

PACK, TRUCK = catalogue("pack"), catalogue("truck")
GOOD, UNTRUSTED, ABSENT = Quality.GOOD, Quality.UNTRUSTED, Quality.NOT_AVAILABLE


@pytest.mark.parametrize(
    ("name", "pgn", "priority", "length", "period_s"),
    [
        ("CHM", 0x2600, 6, 3, 0.25),
        ("BHM", 0x2700, 6, 2, 0.25),
        ("CRM", 0x0100, 6, 8, 0.25),
        ("BRM", 0x0200, 7, 41, 0.25),
        ("BCP", 0x0600, 7, 13, 0.5),
        ("BCL", 0x1000, 6, 5, 0.05),
        ("BCS", 0x1100, 7, 9, 0.25),
        ("BSM", 0x1300, 6, 7, 0.25),
        ("BST", 0x1900, 4, 4, 0.01),
        ("PMS", 0xFF21, 4, 8, 0.1),
    ],
)
def test_message_heads(name: str, pgn: int, priority: int, length: int, period_s: float) -> None:
    info = PACK.infos[name]
    assert (info.pgn, info.priority, info.length, info.period_s) == (pgn, priority, length, period_s)
    assert PACK.info_of(pgn) == info


def test_bcs_by_hand() -> None:
    data = bytes.fromhex("c816 8c0a 4a21 3e 2d00".replace(" ", ""))
    raw = PACK.decode("BCS", data)
    assert raw["pack_voltage_v"] == (583.2, GOOD)
    assert raw["pack_current_a"] == (-130.0, GOOD)  # 0x0a8c = 2700 -> 270 - 400
    assert raw["cell_voltage_max_v"] == (3.3, GOOD)  # low 12 bits of 0x214a
    assert raw["cell_group"] == (2, GOOD)
    assert raw["soc_pct"] == (62, GOOD)
    assert raw["remaining_min"] == (45, GOOD)


def test_bsm_by_hand() -> None:
    raw = PACK.decode("BSM", bytes((0, 50 + 31, 3, 50 - 12, 9, 0b10_01_00_10, 0b00_01_10_11)))
    assert raw["temperature_max_c"] == (31, GOOD)
    assert raw["temperature_min_c"] == (-12, GOOD)
    keys = ("cell_voltage", "soc", "overcurrent", "overtemperature", "insulation", "connector", "charge_permitted")
    assert [raw[key][0] for key in keys] == [2, 0, 1, 2, 3, 2, 1]


def test_bcp_bcl_and_pms_by_hand() -> None:
    bcp = PACK.decode("BCP", bytes.fromhex("6d018003ae063c196e6c02c816"))
    assert bcp["cell_voltage_limit_v"] == (3.65, GOOD)
    assert bcp["current_limit_a"] == (-310.4, GOOD)
    assert bcp["energy_nominal_kwh"] == (171.0, GOOD)
    assert bcp["temperature_limit_c"] == (60, GOOD)
    assert bcp["soc_pct"] == (62.0, GOOD)
    bcl = PACK.decode("BCL", bytes.fromhex("3c19d40302"))
    assert (bcl["voltage_demand_v"], bcl["current_demand_a"]) == ((646.0, GOOD), (-302.0, GOOD))
    pms = PACK.decode("PMS", bytes.fromhex("712c01d007c4ffff"))
    assert (pms["contactor_closed"][0], pms["thermal_event"][0], pms["counter"][0]) == (1, 0, 7)
    assert (pms["link_voltage_v"], pms["insulation_ohm_per_v"]) == ((30.0, GOOD), (2000, GOOD))
    assert pms["soh_pct"] == (98.0, GOOD)


def test_truck_messages_by_hand() -> None:
    raw = TRUCK.decode("TSC1", bytes.fromhex("155c2b02ffffffff"))
    flags = [raw[f"contactor_{n}_closed"][0] for n in (1, 2, 3)]
    assert [raw["swap_mode"][0], raw["hv_off"][0], raw["parking_brake"][0], *flags] == [1, 1, 1, 0, 0, 3]
    assert raw["counter"][0] == 5
    assert raw["link_voltage_v"] == (55.5, GOOD)
    assert TRUCK.encode("SSC1", {"request": 1, "counter": 7}) == bytes.fromhex("0107ffffffffffff")


@pytest.mark.parametrize(
    ("raw_voltage", "quality"),
    [("1027", GOOD), ("1127", UNTRUSTED), ("fffd", UNTRUSTED), ("00fe", UNTRUSTED), ("00ff", ABSENT), ("ffff", ABSENT)],
)
def test_error_absent_and_out_of_range_values_are_marked(raw_voltage: str, quality: Quality) -> None:
    data = bytes.fromhex(raw_voltage + "8c0a4a213e2d00")
    assert PACK.decode("BCS", data)["pack_voltage_v"][1] is quality


@pytest.mark.parametrize(("soc", "quality"), [(100, GOOD), (101, UNTRUSTED), (0xFE, UNTRUSTED), (0xFF, ABSENT)])
def test_one_byte_values_are_marked(soc: int, quality: Quality) -> None:
    data = bytes.fromhex("c8168c0a4a21") + bytes((soc, 45, 0))
    assert PACK.decode("BCS", data)["soc_pct"][1] is quality


def test_too_few_bytes_are_refused_and_more_are_ignored() -> None:
    with pytest.raises(BadData, match="too short"):
        PACK.decode("BCL", bytes(4))
    assert PACK.decode("BCL", bytes(5)) == PACK.decode("BCL", bytes(5) + b"\xff\xff\xff")


def test_encoding_refuses_what_does_not_fit() -> None:
    with pytest.raises(BadData, match="does not fit"):
        PACK.encode("BCL", {"voltage_demand_v": 99999.0})
    with pytest.raises(BadData, match="no such signal"):
        PACK.encode("BCL", {"voltage": 1.0})
    assert PACK.encode("CRM", {"recognised": 0xAA}) == b"\xaa" + b"\xff" * 7


@given(st.floats(0, 1000), st.floats(-400, 400), st.floats(0, 24), st.integers(0, 15), st.integers(0, 100))
def test_encode_and_decode_agree_to_the_resolution(
    volts: float, amperes: float, cell: float, group: int, soc: int
) -> None:
    values = {
        "pack_voltage_v": volts,
        "pack_current_a": amperes,
        "cell_voltage_max_v": cell,
        "cell_group": group,
        "soc_pct": soc,
        "remaining_min": 600,
    }
    raw = PACK.decode("BCS", PACK.encode("BCS", values))
    for key, resolution in (("pack_voltage_v", 0.1), ("pack_current_a", 0.1), ("cell_voltage_max_v", 0.01)):
        assert abs(raw[key][0] - values[key]) <= resolution / 2 + 1e-9
        assert raw[key][1] is GOOD
        assert len(str(raw[key][0]).partition(".")[2]) <= 2
    assert (raw["cell_group"][0], raw["soc_pct"][0]) == (group, soc)


@given(st.binary(min_size=41, max_size=49))
def test_no_bytes_make_decoding_fail(data: bytes) -> None:
    for catalog in (PACK, TRUCK):
        for name in catalog.infos:
            assert catalog.decode(name, data)
