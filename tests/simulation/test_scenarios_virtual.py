"""Scenarios on the virtual ground: the same seed gives the same run, and what is not so is a violation."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.cli import main as station_hil
from hil.record import Record
from hil.report.write import read
from hil.scenario.load import find, load
from hil.scenario.virtual import play_virtual

HEAD = 'title = "It expects what is not so"\nwhy = "A scenario that cannot fail proves nothing."\n'
WRONG = (
    ('[[step]]\nexpect = { at = { "bay 1" = "empty" } }\n', "expectation", "not so in the plant: at"),
    ('[[step]]\nuntil = { packml = "Held" }\nwithin_s = 0.5\n', "liveness", "did not come within 0.5 s"),
    ('[[step]]\nstays = { packml = "Held" }\nfor_s = 0.5\n', "expectation", "did not stay"),
    (
        '[[step]]\ndo = "zone"\n[[step]]\nstays = { gone = "person_in_zone" }\nfor_s = 1\n',
        "expectation",
        "did not stay",
    ),
    ('[[step]]\nsend = "resume"\n', "expectation", "the verdict is rejected: resume is not possible in Idle"),
    ('[[step]]\ndo = "repark"\n', "expectation", "no truck here that could move"),
    ('[[step]]\nended = "hold"\n', "expectation", "no such command was sent"),
    ('[[step]]\nmeasure = "swap_duration"\n', "expectation", "no swap is recorded"),
    ("[[step]]\nwait_s = 30\n", "liveness", "the scenario is not over"),
)


THERMAL = (
    "thermal_event_while_charging",
    "isolation_occupied",
    "restart_in_an_evacuation",
    "fire_in_an_evacuation",
    "person_in_zone_at_a_thermal_event",
    "truck_drives_in_during_evacuation",
)
"""Each measures something against a limit: charging off within a cycle, the robot at rest."""


def _quiet(_: str) -> None:
    """Nobody reads the progress."""


def _play(name: str, seed: int = 1) -> Record:
    return play_virtual(load(find([name])[0]), seed, _quiet)


def test_the_same_seed_is_the_same_run() -> None:
    first, again, other = _play("one_pack"), _play("one_pack"), _play("one_pack", seed=2)
    assert first.passed and other.passed, (first.violations, other.violations)
    assert first.log_hash == again.log_hash != other.log_hash
    assert (first.samples, first.events) == (again.samples, again.events)
    assert {event.kind for event in first.events} >= {"state", "step", "command", "verdict", "sent", "plant"}
    assert {sample.step for sample in first.samples} >= {"extract", "carry_to_bay", "fetch", "insert"}
    assert max(sample.load_kg for sample in first.samples) > 1000


@pytest.mark.parametrize("name", ["person_in_zone", "restart_in_mid_lift", "disconnect_between_in_and_out"])
def test_scenarios_of_people_power_and_network(name: str) -> None:
    record = _play(name, seed=3)
    assert record.passed, record.violations


@pytest.mark.parametrize("name", THERMAL)
def test_thermal_events_by_the_written_policy(name: str) -> None:
    scenario = load(find([name])[0])
    assert "2.6 Thermal runaway in slot" in scenario.covers
    record = play_virtual(scenario, 5, _quiet)
    assert record.passed, (record.violations, record.checks)
    assert record.checks and all(check.limit is not None for check in record.checks)


@pytest.mark.parametrize("name", ["put_right_by_hand", "release_by_supervisor", "jog_without_key"])
def test_people_with_and_without_their_role(name: str) -> None:
    record = _play(name, seed=5)
    assert record.passed, (record.violations, record.checks)


@pytest.mark.parametrize(("steps", "invariant", "text"), WRONG)
def test_what_is_not_so_is_a_violation(tmp_path: Path, steps: str, invariant: str, text: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(f"within_s = 10\n{HEAD}{steps}", encoding="utf-8")
    record = play_virtual(load(path), 1, _quiet)
    assert [violation.invariant for violation in record.violations] == [invariant], record.violations
    assert text in record.violations[0].text


def test_a_limit_that_is_not_kept_fails_without_a_violation(tmp_path: Path) -> None:
    path = tmp_path / "limit.toml"
    path.write_text(f'{HEAD}[[step]]\nmeasure = "motions"\nat_least = "99 times"\n', encoding="utf-8")
    record = play_virtual(load(path), 1, _quiet)
    assert record.violations == [] and not record.passed


def test_the_command_line_plays_reports_and_says_with_its_status_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(HEAD + WRONG[0][0], encoding="utf-8")
    assert station_hil(["run", str(wrong), "one_pack", "--report", str(tmp_path / "report")]) == 1
    out = capsys.readouterr().out
    assert "FAILED  wrong" in out and "passed  one_pack" in out and "1 of 2 passed" in out
    assert [record.scenario for record in read(tmp_path / "report")] == ["wrong", "one_pack"]
    assert station_hil(["run", "one_pak"]) == 2
    assert "nearest: one_pack" in capsys.readouterr().err
    assert station_hil(["run", "truck_stays_for_good", "--ground", "local"]) == 2
    assert "virtual_time" in capsys.readouterr().err


def test_the_list_names_all_and_what_covers_what(capsys: pytest.CaptureFixture[str]) -> None:
    assert station_hil(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(find(["all"]))
    assert station_hil(["list", "--covers"]) == 0
    rows = capsys.readouterr().out
    assert "2.6 Person in danger zone\n    door_opens\n" in rows
