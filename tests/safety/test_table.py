"""The cause-and-effect table: what is refused at the start, and that it covers what it should."""

from __future__ import annotations

import copy
import tomllib
from importlib import resources
from typing import Any

import pytest

from drivers.robot_protocol import MotionClass
from station_ctl.config import SafetySection
from station_ctl.safety import inputs, table
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
        ({"safe_when": None}, "needs safe_when"),
        ({"limit": "load_kg", "at_most": True}, "needs safe_when"),
        ({"stop": 3}, "stop is 0, 1 or 2"),
        ({"start_only": True}, "cannot trip"),
        ({"name": "emergency_stop"}, "stands more than once"),
    ],
)
def test_a_broken_row_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(table.TableError, match=says):
        table.parse(changed(**fields))


def test_an_input_without_a_cause_or_with_an_unknown_age_is_refused() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["inputs"]["spare"] = {"kind": "discrete", "age": "plc_age_ms", "source": "nowhere"}
    with pytest.raises(table.TableError, match="spare: is an input without a cause"):
        table.parse(document)
    document["inputs"]["spare"]["age"] = "moon_age_ms"
    with pytest.raises(table.TableError, match="no \\[safety\\] key"):
        table.parse(document)
    document["inputs"]["spare"] = {"kind": "wavy", "age": "plc_age_ms", "source": "x"}
    with pytest.raises(table.TableError, match="kind"):
        table.parse(document)


def test_a_table_that_the_code_has_no_reader_for_stops_the_start() -> None:
    found = table.load()
    strange = table.Input("moon_phase", "discrete", "plc_age_ms", "the sky", 20)
    with pytest.raises(table.TableError, match="moon_phase"):
        Guard(table.Table((*found.inputs, strange), found.causes), station_config())


def test_every_input_has_a_reader_and_every_motion_class_a_cause() -> None:
    found = table.load()
    assert {i.name for i in found.inputs} == set(inputs.READERS)
    for motion in MotionClass:
        assert any(motion & cause.withholds for cause in found.causes)
    for motion in MotionClass:
        holding = {c.name for c in found.causes if motion & c.withholds and not c.start_only}
        assert {"plc_not_alive", "emergency_stop", "person_in_zone"} <= holding


def test_configuration_can_tighten_limits_and_never_widen_them() -> None:
    for name, field in SafetySection.model_fields.items():
        default = field.default
        wider = default * 0.99 if name == "insulation_ohm_per_v" else default + 1
        with pytest.raises(ValueError, match=name):
            SafetySection.model_validate({name: wider}, strict=False)
