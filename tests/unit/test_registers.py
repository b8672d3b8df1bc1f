"""Register maps: what is refused at load, and that decode and encode are each other's inverse."""

from __future__ import annotations

import copy
import struct
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadData
from drivers.reading import Signal
from drivers.register_codec import Block, crc16_modbus
from drivers.register_document import RegisterMapError
from drivers.register_points import EncodingError, Point
from drivers.registers import SHIPPED, load, parse

words = st.integers(0, 0xFFFF)
ROBOT = load("robot-plc-v2")
DOCUMENT = tomllib.loads((SHIPPED / "robot-plc-v2.toml").read_text())


def refusal(change: Any) -> str:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    with pytest.raises(RegisterMapError) as caught:
        parse(document, "my.toml")
    assert caught.value.where == "my.toml"
    return str(caught.value)


def test_shipped_map_loads_by_name_and_by_path() -> None:
    by_path = load(str(SHIPPED / "robot-plc-v2.toml"))
    assert (by_path.map_id, by_path.version) == (ROBOT.map_id, ROBOT.version) == (0x5343, 2)
    assert ROBOT.block("status").count == 64
    assert [p.name for p in ROBOT.block("status").points if p.wake][:2] == ["estop_released", "zone_clear"]


def test_missing_file_names_the_shipped_maps() -> None:
    with pytest.raises(RegisterMapError, match="robot-plc-v2"):
        load("robot-plc-v9")


def test_broken_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[map\n")
    with pytest.raises(RegisterMapError, match="TOML"):
        load(str(path))


def test_unknown_key_names_the_nearest() -> None:
    said = refusal(lambda d: d["status"]["points"]["mode"].update(scal=2))
    assert "status.points.mode.scal" in said and "nearest known key: scale" in said


def test_overlap_names_both_points() -> None:
    said = refusal(lambda d: d["status"]["points"].update(other={"at": 26, "type": "bits", "bit": 3, "width": 1}))
    assert "status.points.other" in said and "zone_clear" in said
    assert "load_kg" in refusal(lambda d: d["status"]["points"].update(other={"at": 25, "type": "u32"}))


def test_group_that_runs_into_another_is_refused() -> None:
    assert "element 9" in refusal(lambda d: d["status"]["groups"]["mount"].update(count=9))


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"at": 63, "type": "u32"}, "lies outside"),
        ({"at": 31, "type": "f32"}, "type"),
        ({"at": 31}, "type: is missing"),
        ({"at": 31, "type": "bits", "bit": 15, "width": 2}, "width"),
        ({"at": 31, "type": "bits", "bit": 0, "width": 3, "signal": True}, "one or two bits"),
        ({"at": 31, "type": "u16", "signal": True}, "one or two bits"),
        ({"at": 31, "type": "u16", "wake": True}, "wake"),
        ({"at": 31, "type": "u16", "scale": 0}, "scale"),
        ({"at": 31, "type": "u16", "scale": "x"}, "scale"),
        ({"at": 31, "type": "u16", "range": [3, 1]}, "range"),
        ({"at": 31, "type": "u16", "range": [1]}, "range"),
        ({"at": True, "type": "u16"}, "at"),
        (7, "table"),
    ],
)
def test_bad_points_are_refused_by_name(point: Any, said: str) -> None:
    text = refusal(lambda d: d["status"]["points"].update(odd=point))
    assert "status.points.odd" in text and said in text


def test_checksum_must_be_the_last_word() -> None:
    assert "checksum" in refusal(lambda d: d["command"].update(count=16))


def test_missing_block_is_said() -> None:
    with pytest.raises(RegisterMapError, match="meter"):
        ROBOT.block("meter")


def test_checksum_is_crc16_modbus() -> None:
    assert crc16_modbus(struct.unpack(">4H", b"12345678")) == 0x37DD  # of '12345678'; '123456789' gives 0x4B37


@given(st.lists(words, min_size=64, max_size=64))
def test_any_words_decode(raw: list[int]) -> None:
    values = ROBOT.block("status").decode(raw)
    assert values.points["mode"] in (None, 1, 2, 3)
    assert isinstance(values.points["zone_clear"], Signal)
    load_kg = values.points["load_kg"]
    assert load_kg is None or 0 <= load_kg <= 6000
    assert len(values.groups["bay"]) == 24


@given(st.integers(0, 200))
def test_wrong_length_is_bad_data(count: int) -> None:
    if count != 64:
        with pytest.raises(BadData):
            ROBOT.block("status").decode([0] * count)


command_values = st.fixed_dictionaries(
    {
        "heartbeat": words,
        "lease_ms": st.integers(0, 500),
        "permits": words,
        "stop_category": st.integers(0, 2),
        "sequence": words,
        "opcode": st.integers(0, 11),
        "source": words,
        "destination": words,
        "mount": st.integers(0, 3),
        "parameter_1": st.integers(-32768, 32767),
        "parameter_2": st.integers(-32768, 32767),
        "supply_lease_ms": st.integers(0, 500),
        "charge_permits": st.integers(0, 0xFFFFFFFF),
    }
)


@given(command_values, st.integers(0, 14), st.integers(1, 0xFFFF))
def test_command_round_trip_and_checksum(values: dict[str, int], at: int, flip: int) -> None:
    block = ROBOT.block("command")
    raw = block.encode(values)
    assert block.sealed(raw)
    decoded = block.decode(raw).points
    assert {k: decoded[k] for k in values} == values
    broken = list(raw)
    broken[at] ^= flip
    assert not block.sealed(broken)


BOUNDED = ["lease_ms", "stop_category", "opcode", "mount", "parameter_1", "sequence", "supply_lease_ms"]


@given(command_values, st.sampled_from(BOUNDED))
def test_out_of_range_is_not_encoded(values: dict[str, int], name: str) -> None:
    with pytest.raises(EncodingError, match=name):
        ROBOT.block("command").encode(values | {name: 70000})
    del values[name]
    with pytest.raises(EncodingError, match="missing"):
        ROBOT.block("command").encode(values)


NUMBERS = [
    Point("a", 0, "u16"),
    Point("b", 1, "i16", scale=0.1, low=-100, high=100),
    Point("c", 2, "u32"),
    Point("d", 4, "i32", scale=0.01),
    Point("e", 7, "bits", bit=3, width=5),
]


@given(
    st.booleans(),
    st.tuples(
        words, st.integers(-1000, 1000), st.integers(0, 2**32 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(0, 31)
    ),
)
def test_numbers_round_trip_in_both_word_orders(low_first: bool, raw: tuple[int, ...]) -> None:
    block = Block("test", 0, 9, NUMBERS, [], low_word_first=low_first)
    given_values = {p.name: r if p.scale == 1 else r * p.scale for p, r in zip(NUMBERS, raw, strict=True)}
    encoded = block.encode(given_values)
    assert block.decode(encoded).points == pytest.approx(given_values)
    high, low = (encoded[3], encoded[2]) if low_first else (encoded[2], encoded[3])
    assert high << 16 | low == raw[2]


def test_out_of_range_decodes_to_none() -> None:
    block = Block("test", 0, 9, NUMBERS, [])
    assert block.decode([0, 1001, 0, 0, 0, 0, 0, 0, 0]).points["b"] is None
    assert block.decode([0, 1000, 0, 0, 0, 0, 0, 0, 0]).points["b"] == pytest.approx(100.0)


def test_one_bit_signals_and_untrusted_range() -> None:
    one = Point("one", 0, "bits", bit=0, width=1, low=0, high=1, signal=True)
    two = Point("two", 0, "bits", bit=2, width=2, low=0, high=1, signal=True)
    block = Block("test", 0, 1, [one, two], [])
    assert block.decode([0b0101]).points == {"one": Signal.TRUE, "two": Signal.TRUE}
    assert block.decode([0b1100]).points == {"one": Signal.FALSE, "two": Signal.UNTRUSTED}
