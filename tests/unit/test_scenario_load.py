"""Scenario files: what is wrong is refused with file and line and the nearest known word; all that are shipped load."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.scenario.lines import lines
from hil.scenario.load import ScenarioError, find, load, shipped
from hil.scenario.model import Scenario, missing
from hil.scenario.steps import WORDS

HEAD = 'title = "x"\nwhy = "y"\n\n[station]\nspeed = 20\n'
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
"""The rows of the hazard list (domain 2.6)."""
CASES = (
    "F1 no stock",
    "F2 not collected",
    "F3 unknown serial",
    "F4 duplicate",
    "F5 without authorisation",
    "F6 disconnect between in and out",
)
"""The fault cases of OCPP 2.1 block S (domain 3.3) as far as they touch the station."""


def _all() -> list[Scenario]:
    return [load(path) for path in shipped()]


def test_every_shipped_file_loads_and_every_hazard_and_fault_case_is_covered() -> None:
    scenarios = _all()
    assert len(scenarios) >= 25
    covered = {row for scenario in scenarios for row in scenario.covers}
    assert covered == {*(f"2.6 {row}" for row in HAZARDS), *CASES}


def test_every_scenario_can_fail() -> None:
    """Each sees to something: a condition, a verdict or a limit."""
    for scenario in _all():
        words = {word for step in scenario.step for word in step.model_fields_set}
        assert words & {"until", "expect", "stays"}, scenario.name


REFUSED = (
    ('needs = [\n  "truth",\n  "kil",\n]\n' + HEAD + "[[step]]\nwait_s = 1\n", 3, "capability", "nearest: kill"),
    (HEAD + '[[step]]\nuntl = { step = "extract" }\n', 6, "step without a word", "nearest: until"),
    (HEAD + '[[step]]\nuntil = { step = "extrct" }\n', 7, "unknown step of a swap", "nearest: extract"),
    (HEAD + '[[step]]\nuntil = { stpe = "extract" }\n', 7, "stpe is not known here", "nearest: step"),
    (HEAD + '[[step]]\nuntil = { reason = "reprk" }\n', 7, "unknown reason", "nearest: repark"),
    (HEAD + '[[step]]\nuntil = { first_out = "fire" }\n', 7, "unknown cause", "nearest: fire_alarm"),
    (HEAD + '[[step]]\nuntil = { packml = "Hold" }\n', 7, "unknown PackML state", "nearest: Held"),
    (HEAD + "[[step]]\nuntil = { orders = { UNLCK = 1 } }\n", 7, "unknown opcode", "nearest: UNLOCK"),
    (HEAD + "[[step]]\nuntil = {}\n", 7, "the condition is empty", ""),
    (HEAD + '[[step]]\nexpect = { at = { "bay3" = "empty" } }\n', 7, "unknown place 'bay3'", "'bay 3'"),
    (HEAD + '[[step]]\nfault = { kind = "modbus.dely" }\n', 7, "unknown fault", "nearest: modbus.delay"),
    (HEAD + '[[step]]\nfault = { kind = "modbus.delay", delay_s = 2.0 }\n', 7, "delay_s", "delay_ms"),
    (HEAD + '[[step]]\n[step.fault]\nkind = "can.loss"\nrate = 1.5\n', 9, "rate is not acceptable", "less than"),
    (HEAD + '[[step]]\nheal = "modbus.cutt"\n', 7, "unknown fault", "nearest: modbus.cut"),
    (HEAD + '[[step]]\ndo = "zne"\n', 7, "unknown word", "nearest: zone"),
    (HEAD + '[[step]]\ndo = "zone"\nclaer = true\n', 8, "claer is not known here", "nearest: clear"),
    (HEAD + '[[step]]\ndo = "charge"\n\nsoc_pct = 101.0\n', 9, "less than or equal to 100", ""),
    (HEAD + '[[step]]\ndo = "jam_lock"\n', 6, "name one of bay and mount", ""),
    (HEAD + '[[step]]\nsend = "holdd"\n', 7, "unknown word", "nearest: hold"),
    (HEAD + '[[step]]\nmeasure = "swap_durtion"\n', 7, "unknown measure", "nearest: swap_duration"),
    (HEAD + '[[step]]\nmeasure = "swap_duration"\nat_most = "5 mn"\n', 8, "unknown unit 'mn'", "nearest: min"),
    (HEAD + '[[step]]\nmeasure = "swap_duration"\nat_most = "5 kg"\n', 6, "measured in s, not in kg", ""),
    (HEAD + '[[step]]\nmeasure = "since"\nmark = "x"\n', 1, "no step before marks 'x'", ""),
    (HEAD + "[[step]\n", 6, "not valid TOML", ""),
    (HEAD + "spead = 1\n[[step]]\nwait_s = 1\n", 6, "spead is not known here", "nearest: speed"),
    (HEAD, 1, "step is missing", ""),
    (HEAD + "[[step]]\nwait_s = 1\n\n[[step]]\nwait_s = -1\n", 10, "greater than 0", ""),
)


@pytest.mark.parametrize(("text", "line", "what", "remedy"), REFUSED)
def test_refused_with_file_and_line_and_nearest_word(
    tmp_path: Path, text: str, line: int, what: str, remedy: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        load(path)
    assert refused.value.where.startswith(f"{path}:{line}"), refused.value
    assert what in str(refused.value) and remedy in str(refused.value), refused.value


def test_a_file_that_cannot_be_read_and_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / "absent.toml")
    with pytest.raises(ScenarioError, match="nearest: one_pack"):
        find(["one_pak"])
    assert find([]) == find(["all"]) == shipped()
    assert [path.stem for path in find(["repark", str(tmp_path / "own.toml")])] == ["repark", "own"]


def test_what_a_scenario_needs_comes_from_its_steps_too(tmp_path: Path) -> None:
    path = tmp_path / "needy.toml"
    steps = '[[step]]\nfault = { kind = "can.loss" }\n[[step]]\ncontroller = "kill"\n[[step]]\ndo = "power_cut"\n'
    path.write_text('needs = ["virtual_time"]\n' + HEAD + steps, encoding="utf-8")
    scenario = load(path)
    assert scenario.capabilities == ["fault.can.loss", "kill", "plc_power", "truth", "virtual_time"]
    able = frozenset({"truth", "kill", "plc_power", "virtual_time"})
    assert missing(scenario, able) == ["fault.can.loss"]
    assert missing(scenario, able | {"fault.can"}) == missing(scenario, able | {"fault.can.loss"}) == []


NESTED = """\
a.b = 1
"c d" = [
  1, # one
  { e = 2 },
]

[t]
f = { g = { h = 3 } }

[[u]]
v = 1
[u.w]
x = 2

[[u]]
v = \"\"\"
many
lines\"\"\"
[[u.y]]
z = 1
"""


def test_lines_of_all_there_is() -> None:
    found = lines(NESTED)
    assert found["a",] == found["a", "b"] == 1
    assert (found["c d", 0], found["c d", 1], found["c d", 1, "e"]) == (3, 4, 4)
    assert (found["t",], found["t", "f", "g", "h"]) == (7, 8)
    assert (found["u", 0], found["u", 0, "v"], found["u", 0, "w"], found["u", 0, "w", "x"]) == (10, 11, 12, 13)
    assert (found["u", 1], found["u", 1, "v"], found["u", 1, "y", 0, "z"]) == (15, 16, 20)


@given(st.lists(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers(), min_size=1), max_size=5))
def test_lines_are_where_tomllib_finds_the_values(tables: list[dict[str, int]]) -> None:
    text, wanted = "", {}
    for number, table in enumerate(tables):
        text += "# a comment\n[[step]]\n\n"
        for key, value in table.items():
            wanted["step", number, key] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    assert tomllib.loads(text).get("step", []) == tables
    found = lines(text)
    assert {path: found[path] for path in wanted} == wanted


def test_the_example_of_the_page_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    path = tmp_path / "example.toml"
    path.write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert len(load(path).step) == 7
    assert all(f"`{word}`" in page for word in WORDS)
