"""Cell types: what is wrong in a file is refused with its field and line; the tables mean what the file says."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pytest

from station_ctl.soc import cell_type, curves, type_sections, where

TEXT = resources.files("station_ctl.soc").joinpath("types", "lfp-302ah-177s.toml").read_text("utf-8")
LINES = TEXT.splitlines()


def line(start: str, nth: int = 0) -> int:
    return [k for k, text in enumerate(LINES, 1) if text.startswith(start)][nth]


@pytest.mark.parametrize(
    ("old", "new", "field", "at"),
    [
        ("capacity_ah = 295.65", "capacity_ah = 0", "capacity_ah", line("capacity_ah")),
        ("capacity_ah = 295.65", "capacity_ah = 295650.0", "capacity_ah", line("capacity_ah")),
        ("capacity_ah = 295.65", 'capacity_ah = "295.65 Ah"', "capacity_ah", line("capacity_ah")),
        ("cell_low_v = 2.5", "cell_low_v = 2500.0", "limits.cell_low_v", line("cell_low_v")),
        ("at_c = [-10.0", "at_c = [263.15", "terms.at_c", line("at_c")),
        ("at_c = [-10.0, 0.0,", "at_c = [", "terms.lag_gain", line("lag_gain")),
        ("weight = 0.12\n", "weight = 0.0\n", "health.3.weight", line("weight", 3)),
        ("[limits]", "[limits]\nspeed = 3", "limits.speed", line("[limits]") + 1),
        ("schema_version = 1", "schema_version = 2", "schema_version", line("schema_version")),
    ],
)
def test_a_bad_field_is_named_with_its_line(old: str, new: str, field: str, at: int) -> None:
    assert old in TEXT
    with pytest.raises(cell_type.TypeFileError) as caught:
        cell_type.parse(TEXT.replace(old, new, 1), "x.toml")
    assert caught.value.where == f"x.toml, line {at}"
    assert str(caught.value.what).startswith(field)


def test_a_curve_that_does_not_rise_is_refused() -> None:
    number = line("discharge_v")
    broken = list(LINES)
    parts = broken[number].split(", ")
    parts[2], parts[3] = parts[3], parts[2]
    broken[number] = ", ".join(parts)
    with pytest.raises(cell_type.TypeFileError, match="does not rise") as caught:
        cell_type.parse("\n".join(broken), "x.toml")
    assert caught.value.where == f"x.toml, line {number}"


def test_terms_must_reach_from_the_cold_to_the_warm() -> None:
    few = TEXT
    for name in ("at_c", "lag_gain", "lag_s", "ohm_v", "exchange_c", "slow_v", "slow_s"):
        text = LINES[line(name) - 1]
        few = few.replace(text, f"{name} = [" + ", ".join(text.split("[")[1].rstrip("]").split(", ")[2:]) + "]", 1)
    with pytest.raises(cell_type.TypeFileError, match="are missing in part"):
        cell_type.parse(few, "x.toml")


def one_line(name: str, change: str = "") -> str:
    """The file with that array in one line, as a person's script writes it; change: what its fifth value becomes."""
    head, _, rest = TEXT.partition(f"\n{name} = [")
    body, _, tail = rest.partition("]")
    values = [value.strip() for value in body.split(",") if value.strip()]
    values[4] = change or values[4]
    return f"{head}\n{name} = [{', '.join(values)}]{tail}"


def test_a_curve_may_stand_in_one_line() -> None:
    assert cell_type.parse(one_line("charge_v"), "x.toml") == cell_type.load("lfp-302ah-177s")
    with pytest.raises(
        cell_type.TypeFileError, match=r"discharge_v: does not rise at value 5.*in V of one cell"
    ) as caught:
        cell_type.parse(one_line("discharge_v", "2.5"), "x.toml")
    assert caught.value.where == f"x.toml, line {line('discharge_v')}"


def test_a_curve_of_too_few_points_is_refused() -> None:
    curve = cell_type.load("lfp-302ah-177s").curve
    names = ("soc", "discharge_v", "charge_v", "entropy_v_per_k")
    for every, says in ((10, r"soc: has no two values from 0\.86 to knee_from"), (12, "at least 21 items")):
        thin = {name: (*getattr(curve, name)[:200:every], getattr(curve, name)[200]) for name in names}
        with pytest.raises(ValueError, match=says):
            type_sections.Curve(**thin)
    crowded = (*(k * 2e-4 for k in range(200)), 1.0)
    with pytest.raises(ValueError, match=r"soc: 1\.0 after 0\.0398"):
        type_sections.Curve(**(curve.model_dump() | {"soc": crowded}))


@pytest.mark.parametrize(
    ("old", "new", "says", "at"),
    [
        ("weight = 0.7\n", "weight = 0.2\n", "health: the weights are 0.5 together, not 1", line("[[health]]")),
        ("nominal_ah = 302.0", "nominal_ah = 3.02", "capacity_ah: 295.65 is not within 30 %", line("capacity_ah")),
        ("at_c = [-20.0,", "at_c = [253.15,", "limits.at_c.0.*at_c is in degC", line("at_c", 1)),
        ("[limits]", "[speed]\nx = 1\n[limits]", "speed: extra", line("[limits]")),
        ("[limits]", "[1.0]\n[limits]", "1: extra inputs", 1),
        ("capacity_ah = 295.65", '"capacity_ah" = 0.0', "capacity_ah is in Ah", line("capacity_ah")),
        (TEXT[TEXT.rindex("[[health]]") :], "", "health: .*at least 6", line("[[health]]")),
    ],
)
def test_what_does_not_fit_together_is_named_with_its_line(old: str, new: str, says: str, at: int) -> None:
    assert old in TEXT
    with pytest.raises(cell_type.TypeFileError, match=says) as caught:
        cell_type.parse(TEXT.replace(old, new, 1), "x.toml")
    assert caught.value.where == f"x.toml, line {at}"


def test_what_is_no_text_and_no_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(TEXT.encode("utf-8-sig"))
    assert cell_type.load(path) == cell_type.load("lfp-302ah-177s")
    path.write_bytes(b"# 25 \xb0C\n" + TEXT.encode())
    with pytest.raises(cell_type.TypeFileError, match="no text in UTF-8; got 'byte 5'"):
        cell_type.load(path)
    path.write_bytes(b"#" * (1 << 21))
    with pytest.raises(cell_type.TypeFileError, match="longer than"):
        cell_type.load(path)
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.toml")
    for name in ("zero.toml", "pipe.toml"):
        with pytest.raises(cell_type.TypeFileError, match="cannot be read; got 'it is no file'"):
            cell_type.load(tmp_path / name)


def test_no_file_no_toml_and_no_such_type() -> None:
    for name in ("nmc-1ah", "/does/not/exist.toml"):
        with pytest.raises(cell_type.TypeFileError):
            cell_type.load(name)
    with pytest.raises(cell_type.TypeFileError, match="TOML"):
        cell_type.parse("= 3", "x.toml")


def test_the_tables_are_the_file() -> None:
    found = cell_type.load("lfp-302ah-177s")
    plateau, knee = curves.tables(found)
    c = found.curve
    for k in range(4, len(c.soc) - 1, 7):
        at = round((c.soc[k] - curves.FIRST) / curves.STEP)
        z = curves.FIRST + at * curves.STEP
        from_full = round((1 - z - curves.FIRST) / curves.STEP)
        middle = curves.beyond(c.soc, [(a + b) / 2 for a, b in zip(c.discharge_v, c.charge_v, strict=True)], z)
        assert plateau[at][0] + knee[from_full] == pytest.approx(middle, abs=0.003)
    assert curves.kernel_type(found)


def test_a_missing_field_is_at_its_table() -> None:
    assert where.line_of("a = 1\n[b]\nc = 2\n", ["b", "d"]) == 2
    assert where.line_of("a = 1\n[[b]]\nc = 2\n[[b]]\nc = 3\n", ["b", "1", "c"]) == 5
    assert where.line_of("a = 1\n", ["b"]) == 1
