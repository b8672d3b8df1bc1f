"""The cause-and-effect table: what is refused at the start, and that it covers what it should."""

from __future__ import annotations

import copy
import tomllib
from importlib import resources
from typing import Any

import pytest

from drivers.robot_protocol import MotionClass
from station_ctl.kernel.interlock import LOWER_LIMITS, MAXIMA, Interlock
from station_ctl.limits import SafetySection
from station_ctl.safety import table
from station_ctl.safety.classes import ALL_CLASSES, CLASSES, EVACUATE
from station_ctl.safety.guard import Guard
from tests.simulation.ground import station_config

DOCUMENT = tomllib.loads(resources.files("station_ctl.safety").joinpath("cause_and_effect.toml").read_text("utf-8"))


def changed(**fields: Any) -> dict[str, Any]:
    """The shipped document with fields of its first cause replaced; None removes a field."""
    document = copy.deepcopy(DOCUMENT)
    for key, value in fields.items():
        document["causes"][0].pop(key, None)
        if value is not None:
            document["causes"][0][key] = value
    return document


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"remedy": None}, "misses remedy"),
        ({"hazard": None, "stop": None}, "misses hazard, stop"),
        ({"colour": "red"}, "unknown fields colour"),
        ({"input": "moon"}, "watches 'moon'"),
        ({"withholds": []}, "no effect"),
        ({"withholds": ["FLY"]}, "no effect, or one that is no motion class"),
        ({"withholds": [["TRAVEL"]]}, "no effect, or one that is no motion class"),
        ({"withholds": "TRAVEL"}, "wrong type"),
        ({"safe_when": None}, "needs safe_when"),
        ({"limit": "load_kg", "at_most": True}, "needs safe_when, and no limit or hysteresis"),
        ({"hysteresis": 1.0}, "needs safe_when, and no limit or hysteresis"),
        ({"stop": 3}, "stop is 0, 1 or 2"),
        ({"stop": True}, "wrong type"),
        ({"stop": "1"}, "wrong type"),
        ({"at_rest": 1}, "wrong type"),
        ({"remedy": ""}, "remedy is empty"),
        ({"start_only": True}, "cannot trip"),
        ({"name": "emergency_stop"}, "stands more than once"),
        ({"name": "plc_dead"}, "names 'plc_not_alive', which is no cause|answers no hazard"),
    ],
)
def test_a_broken_row_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(table.TableError, match=says) as refused:
        table.parse(changed(**fields))
    assert str(fields.get("name") or "plc_not_alive") in str(refused.value) or "Low-quality" in str(refused.value)


def of(name: str) -> dict[str, Any]:
    """A copy of the shipped document and, by `row`, one of its causes."""
    document = copy.deepcopy(DOCUMENT)
    return {"document": document, "row": next(row for row in document["causes"] if row["name"] == name)}


@pytest.mark.parametrize(
    ("cause", "fields", "says"),
    [
        ("overload", {"hysteresis": None}, "needs at_most = true, limit and hysteresis"),
        ("overload", {"limit": None}, "needs at_most = true, limit and hysteresis"),
        ("overload", {"at_most": False}, "needs at_most = true, limit and hysteresis"),
        ("overload", {"at_most": None, "at_least": True}, "needs at_most = true, limit and hysteresis"),
        ("overload", {"safe_when": True}, "needs at_most = true, limit and hysteresis"),
        ("installed_insulation_low", {"at_least": None, "at_most": True}, "needs at_least = true"),
        ("overload", {"limit": "moon_kg"}, "no compiled-in limit in kg"),
        ("overload", {"limit": "link_voltage_v"}, "no compiled-in limit in kg"),
        ("overload", {"hysteresis": 0.0}, "over 0 and under 500"),
        ("overload", {"hysteresis": 500.0}, "over 0 and under 500"),
        ("overload", {"hysteresis": float("nan")}, "over 0 and under 500"),
        ("overload", {"hysteresis": True}, "wrong type"),
        ("installed_insulation_low", {"hysteresis": 2000.0}, "over 0 and under 2000"),
    ],
)
def test_a_looser_or_broken_limit_is_refused(cause: str, fields: dict[str, Any], says: str) -> None:
    found = of(cause)
    for key, value in fields.items():
        found["row"].pop(key, None)
        if value is not None:
            found["row"][key] = value
    with pytest.raises(table.TableError, match=says) as refused:
        table.parse(found["document"])
    assert cause in str(refused.value)


@pytest.mark.parametrize(
    ("name", "fields", "says"),
    [
        ("spare", {"kind": "discrete", "age": "plc_age_ms", "source": "PLC"}, "is an input without a cause"),
        ("plc_alive", {"age": "moon_age_ms"}, "no compiled-in limit of an age"),
        ("plc_alive", {"age": "load_kg"}, "no compiled-in limit of an age"),
        ("plc_alive", {"age": "pack_slow_age_ms"}, "its source has plc_age_ms"),
        ("parking_brake", {"age": "truck_hold_age_ms"}, "its source has truck_age_ms"),
        ("plc_alive", {"source": "nowhere"}, "say which device measures it"),
        ("plc_alive", {"kind": "wavy"}, "kind is 'wavy'"),
        ("plc_alive", {"kind": 7}, "wrong type"),
        ("plc_alive", {"colour": "red"}, "unknown fields colour"),
        ("plc_alive", {"source": None}, "misses source"),
        ("plc_alive", {"kind": "analogue"}, "does not end in a unit"),
    ],
)
def test_a_broken_input_is_refused_by_name(name: str, fields: dict[str, Any], says: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    row = document["inputs"].setdefault(name, {})
    for key, value in fields.items():
        row.pop(key, None)
        if value is not None:
            row[key] = value
    with pytest.raises(table.TableError, match=says) as refused:
        table.parse(document)
    assert name in str(refused.value)


def test_more_inputs_or_causes_than_the_kernel_has_room_for_are_refused() -> None:
    document = copy.deepcopy(DOCUMENT)
    for n in range(48):
        document["inputs"][f"more_{n}"] = {"kind": "discrete", "age": "plc_age_ms", "source": "PLC"}
    with pytest.raises(table.TableError, match="more than the 48"):
        table.parse(document)
    document = copy.deepcopy(DOCUMENT)
    document["causes"] += [document["causes"][0]] * 40
    with pytest.raises(table.TableError, match="1 to 64"):
        table.parse(document)


@pytest.mark.parametrize("motion", list(CLASSES))
def test_a_motion_that_no_cause_withholds_is_refused(motion: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    for row in document["causes"]:
        row["withholds"] = [name for name in row["withholds"] if name != motion] or [
            "LOCK" if motion != "LOCK" else "CLAMP"
        ]
    with pytest.raises(table.TableError, match=f"{motion}.*effect without a cause|effect without a cause.*{motion}"):
        table.parse(document)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows[0].update(causes=["moon"]), "names 'moon', which is no cause"),
        (lambda rows: rows[0].pop("causes"), "neither a cause nor"),
        (lambda rows: rows[0].update(causes=[]), "causes is empty"),
        (lambda rows: rows[0].update(elsewhere=""), "elsewhere is empty"),
        (lambda rows: rows[0].update(colour="red"), "unknown fields colour"),
        (lambda rows: rows[0].pop("hazard"), "misses hazard"),
        (lambda rows: rows.append(rows[0]), "stands more than once"),
        (lambda rows: rows[-1].update(causes=["overload"]), "plc_faulted|answers no hazard"),
        (lambda rows: rows.append("fire"), "is no table of fields"),
    ],
)
def test_a_broken_list_of_hazards_is_refused(change: Any, says: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    change(document["hazards"])
    with pytest.raises(table.TableError, match=says):
        table.parse(document)


@pytest.mark.parametrize("part", ["inputs", "causes", "hazards"])
def test_a_file_without_one_of_its_parts_is_refused(part: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document[part]
    with pytest.raises(table.TableError, match="needs \\[inputs\\]"):
        table.parse(document)
    document[part] = 7
    with pytest.raises(table.TableError, match="needs \\[inputs\\]"):
        table.parse(document)
    with pytest.raises(table.TableError, match="is no part of a table"):
        table.parse({**DOCUMENT, "effects": {}})


def test_a_table_that_the_code_has_no_reader_for_stops_the_start() -> None:
    found = table.load()
    strange = table.Input("moon_phase", "discrete", "plc_age_ms", "the sky", 20)
    with pytest.raises(table.TableError, match="moon_phase"):
        Guard(table.Table((*found.inputs, strange), found.causes, found.hazards), station_config())


def test_every_motion_class_has_what_it_needs_while_it_runs() -> None:
    found = table.load()
    for motion in CLASSES.values():
        holding = {c.name for c in found.causes if motion & c.withholds and not c.start_only}
        assert {"plc_not_alive", "emergency_stop", "person_in_zone"} <= holding


def test_an_evacuation_needs_whatever_handling_a_bay_needs_but_no_clear_air() -> None:
    found = table.load()
    bay = {c.name for c in found.causes if c.withholds & MotionClass.HANDLE_BAY}
    evacuate = {c.name for c in found.causes if c.withholds & EVACUATE}
    assert bay - evacuate == {"smoke_in_bay", "source_link_voltage_present"}
    assert evacuate - bay == {"evacuation_not_called_for"}


HAZARDS = (
    "Truck moves or rolls during swap",
    "Disconnect under load (arc)",
    "Contactor weld",
    "Pack dropped / not locked",
    "Wrong pack (voltage, chemistry, owner, recalled)",
    "Person in danger zone",
    "Foreign object on platform",
    "Thermal runaway in slot",
    "Pack that arrives hot/damaged",
    "Insulation fault",
    'Low-quality data (stale CAN, "untrusted" bits)',
    "Power loss mid-move",
    "Network loss to cloud",
    "Overload / tip",
    "Unauthorised remote command",
)
"""The project's hazard list, written down a second time: a row that disappears is noticed."""


def test_every_hazard_is_answered_and_says_by_whom() -> None:
    found = table.load()
    assert [h.hazard for h in found.hazards][: len(HAZARDS)] == list(HAZARDS)
    assert all(h.causes or len(h.elsewhere) > 40 for h in found.hazards)


@pytest.mark.parametrize("name", list(SafetySection.model_fields))
def test_a_looser_configuration_is_refused_and_the_defaults_are_the_loosest_there_is(name: str) -> None:
    least, most = MAXIMA[name]
    default, kind = SafetySection.model_fields[name].default, type(SafetySection.model_fields[name].default)
    assert default == (least if name in LOWER_LIMITS else most)
    for wider in (kind(least) - 1, kind(most) + 1):
        with pytest.raises(ValueError, match=name):
            SafetySection.model_validate({name: wider})
    for edge in (kind(least), kind(most)):
        assert getattr(SafetySection.model_validate({name: edge}), name) == edge


def test_a_limit_that_goes_round_the_configuration_is_refused_by_the_kernel() -> None:
    """The third net: whatever read the configuration, the row does not get in."""
    rows = [
        cause.row(SafetySection.model_construct(**_defaults() | {"load_kg": 9000.0})) for cause in table.load().causes
    ]
    with pytest.raises(ValueError, match="load_kg is 9000, compiled in are 500 to 3500"):
        Interlock(rows, int(ALL_CLASSES), tripped_blocks=True)


def _defaults() -> dict[str, Any]:
    return SafetySection().model_dump()


def test_a_second_table_is_about_motions_of_its_own() -> None:
    text = resources.files("station_ctl.safety").joinpath("cause_and_effect.toml").read_text("utf-8")
    document = tomllib.loads(text)
    for row in document["causes"]:
        row["withholds"] = ["CHARGE"]
    found = table.parse(document, {"CHARGE": 1}, "other.toml")
    assert {cause.withholds for cause in found.causes} == {1}
    document["causes"][0]["withholds"] = ["TRAVEL"]
    with pytest.raises(table.TableError, match=r"other\.toml"):
        table.parse(document, {"CHARGE": 1}, "other.toml")
