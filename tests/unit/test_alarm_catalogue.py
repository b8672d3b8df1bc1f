"""The shipped catalogue is whole; a broken one is refused with file, entry and field named."""

from __future__ import annotations

import ast
import copy
import re
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from station_ctl import cli
from station_ctl.alarms import catalogue, places
from station_ctl.alarms.checks import CatalogueError
from station_ctl.alarms.entry import distribution
from station_ctl.documents import alarms
from station_ctl.model.words import Verb
from station_ctl.safety import table
from tests.simulation.ground import station_config
from tests.unit.test_config import GOOD

ROOT = Path(catalogue.__file__).parents[1]
TEXT = tomllib.loads((ROOT / "alarms" / "catalogue.toml").read_text(encoding="utf-8"))
CAUSES = table.load().causes

Doc = dict[str, Any]


def broken(change: Callable[[Doc], object]) -> Doc:
    document = copy.deepcopy(TEXT)
    change(document)
    return document


def entry(document: Doc, code: str) -> Doc:
    return next(row for row in document["alarms"] if row["code"] == code)


def test_the_shipped_catalogue_keeps_about_5_15_80() -> None:
    found = catalogue.load()
    count = distribution(found)
    total = sum(count.values())
    shares = {name: round(100 * n / total) for name, n in count.items()}
    assert 3 <= shares["high"] <= 8 and 12 <= shares["medium"] <= 20, shares


def test_every_cause_of_the_interlock_has_its_alarm_with_its_own_hazard_and_remedy() -> None:
    found = catalogue.load()
    for cause in (c for c in CAUSES if c.stop):
        alarm = found.alarms[found.of_cause(cause.name)]
        if cause.name not in found.covered:
            assert (alarm.consequence, alarm.remedy) == (cause.hazard, cause.remedy)


GIVES = {"Reason": 0, "hold": 0, "wait": 0, "suspend": 0, "ended": 1}
"""Who makes a reason, and which argument is its code."""
HANDS_ON = {"look.py", "changes.py", "manual.py", "whereabouts.py", "entries.py", "people.py"}
"""Where a code only passes through."""


def reason_codes() -> set[str]:
    """Every code that the controller gives to a reason, read from its sources."""
    codes = {f"asked_{verb}" for verb in Verb} | {"command_rejected", "command_failed"}
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            if isinstance(node.value, ast.Constant)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            codes |= _code(call, constants, path.name)
    return codes


def _code(call: ast.Call, constants: dict[str, Any], where: str) -> set[str]:
    name = ast.unparse(call.func).removeprefix("look.").removeprefix("manual.")
    if name not in GIVES or len(call.args) <= GIVES[name]:
        return set()
    match call.args[GIVES[name]]:
        case ast.Constant(value=str(code)):
            return {code}
        case ast.JoinedStr(values=[ast.Constant(value="asked_" | "command_"), *_]):
            return set()
        case ast.Name(id=given) if given in constants:
            return {constants[given]}
        case ast.Name(id="state" | "now_s"):  # swap.changes.hold(state, ...)
            return set()
        case other:
            passes = where in HANDS_ON or name == "hold"
            assert passes, f"{where}: the code of {ast.unparse(call)} cannot be read ({ast.unparse(other)})"
            return set()


def test_every_reason_code_stands_in_the_catalogue_and_none_that_nobody_gives() -> None:
    listed = set(catalogue.load().reasons)
    assert reason_codes() - listed == set(), "add them to [reasons] of alarms/catalogue.toml"
    assert listed - reason_codes() == set()


def test_safety_alarms_are_never_shelved_for_more_than_an_hour() -> None:
    for alarm in catalogue.load().alarms.values():
        assert alarm.alarm_class != "safety" or alarm.shelvable_min <= 60, alarm.code


def test_instances_have_topics_and_suppressors_that_exist() -> None:
    found = places.instances(catalogue.load(), station_config())
    for one in found.values():
        assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", one.id)
    assert found["pack.silent:bay-2"].suppressors == (
        "plc.not_readable",
        "can.down:packs",
        "can.bus_off:packs",
        "can.silent:packs",
        "pack.blind:bay-2",
    )
    assert "truck.silent" in found and "pack.temperature:mount-3" in found


def drop(code: str, field: str) -> Callable[[Doc], object]:
    return lambda d: entry(d, code).pop(field)


def put(code: str, /, **fields: object) -> Callable[[Doc], object]:
    return lambda d: entry(d, code).update(fields)


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        (lambda d: d.pop("reasons"), "reasons", "missing"),
        (lambda d: d.update(alarm=[]), "alarm", "no section"),
        *[
            (drop("smoke.bay", name), "smoke.bay", name)
            for name in entry(TEXT, "smoke.bay")
            if name not in ("code", "suppressed_by")
        ],
        (put("smoke.bay", severity="awful"), "smoke.bay", "severity"),
        (put("smoke.bay", budget_ms=0), "smoke.bay", "budget_ms"),
        (put("pack.silent", budget_ms=20000), "pack.silent", "budget_ms"),
        (put("smoke.bay", shelvable_min=61), "smoke.bay", "shelvable_min"),
        (put("smoke.bay", clears="itself"), "smoke.bay", "clears"),
        (put("pack.temperature", clears="service"), "pack.temperature", "clears: only a latched alarm stays"),
        (put("smoke.bay", colour="red"), "smoke.bay", "colour"),
        (put("smoke.bay", per="robot"), "smoke.bay", "per"),
        (put("smoke.bay", suppressed_by=["plc.dead"]), "smoke.bay", "suppressed_by"),
        (put("smoke.bay", suppressed_by=["smoke.bay"]), "smoke.bay", "circle"),
        (put("plc.not_readable", suppressed_by=["plc.faulted"], off_delay_ms=9000), "plc", "circle"),
        (put("can.down", suppressed_by=["smoke.bay"]), "can.down", "which bay"),
        (put("smoke.bay", off_delay_ms=400), "smoke.bay", "off_delay_ms"),
        (put("smoke.bay", suppressed_in=["Sleeping"]), "smoke.bay", "suppressed_in"),
        (put("pack.temperature", unit=""), "pack.temperature", "deadband"),
        (lambda d: d["alarms"].append(dict(entry(d, "smoke.bay"))), "smoke.bay", "more than once"),
        (put("smoke.bay", code="Smoke"), "Smoke", "code"),
        (lambda d: entry(d, "smoke.bay").pop("code"), "entry", "code"),
        (lambda d: d["interlock"]["rated"].update(no_such={}), "no_such", "effect without a cause"),
        (lambda d: d["interlock"]["covered"].update(person_in_zone="plc.dead"), "person_in_zone", "names no alarm"),
        (lambda d: d["interlock"]["default"].pop("budget_ms"), "interlock", "budget_ms"),
        (lambda d: d["interlock"].update(more={}), "interlock.more", "default, rated or covered"),
        (lambda d: d["reasons"]["moving"].update(remedy="x"), "reasons.moving", "or `none`"),
        (lambda d: d["reasons"]["position"].pop("remedy"), "reasons.position", "remedy"),
        (lambda d: d["reasons"]["repark"].update(alarm="truck.lost"), "reasons.repark", "names no alarm"),
    ],
)
def test_a_broken_catalogue_is_refused_by_name(change: Callable[[Doc], object], where: str, what: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.parse(broken(change), CAUSES)
    text = str(caught.value)
    assert text.startswith("alarms/catalogue.toml, ") and where in text and what in text, text


def test_the_page_has_a_row_for_every_alarm_and_reason() -> None:
    found = catalogue.load()
    page = alarms.text(found)
    assert all(f"| {code} |" in page for code in [*found.alarms, *found.reasons])


@pytest.mark.parametrize("verb", ["check-config", "run"])
def test_the_service_does_not_start_with_a_broken_catalogue(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "alarms" / "catalogue.toml").read_text(encoding="utf-8")
    (tmp_path / "catalogue.toml").write_text(text.replace('severity = "severe"\n', "", 1), encoding="utf-8")
    shipped = resources.files
    catalogue.load.cache_clear()
    monkeypatch.setattr(resources, "files", lambda name: tmp_path if name == "station_ctl.alarms" else shipped(name))
    (tmp_path / "station.toml").write_text(GOOD.format(folder=tmp_path), encoding="utf-8")
    assert cli.main([verb, "--config", str(tmp_path / "station.toml")]) == 2
    told = capsys.readouterr().err
    assert "alarms/catalogue.toml, evacuation.under_way: severity: Field required" in told
    assert not (tmp_path / "state").exists(), "nothing was started"
