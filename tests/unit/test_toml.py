"""TOML that Python's own parser does not refuse properly; each was found by fuzzing."""

from __future__ import annotations

import pytest

from drivers import toml


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000,
        "a = " + "[" * 40 + "]" * 40,
        "a = " + "9" * 5000,
        "a = 0x" + "f" * 5000,
        "a = 9223372036854775808",
        "a = [{ b = -9223372036854775809 }]",
        "a." * 20_000 + "b = 1",
        '"a,".' * 20_000 + "b = 1",
        "a = [1.5, 2.5]\n[" + "a." * 20_000 + "b]",
        "# " + "x" * (1 << 20),
        "a = ",
    ],
    ids=[
        "deep",
        "deeper_than_32",
        "digits",
        "hexadecimal",
        "65_bits",
        "nested_65_bits",
        "parts",
        "quoted_parts",
        "table_parts",
        "long",
        "ordinary",
    ],
)
def test_whatever_is_wrong_is_one_error(text: str) -> None:
    with pytest.raises(toml.TOMLDecodeError):
        toml.loads(text)


def test_what_is_right_is_read_as_ever() -> None:
    assert toml.loads("a.b = [9223372036854775807, -9223372036854775808, 1.5]\nc = true") == {
        "a": {"b": [2**63 - 1, -(2**63), 1.5]},
        "c": True,
    }


def test_a_long_row_of_numbers_is_no_long_key() -> None:
    assert len(toml.loads(f"a = [{', '.join(['3.25'] * 1001)}]")["a"]) == 1001
