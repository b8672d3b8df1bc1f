"""Seeds that failed once, run again; the soak's own files; a fault at every operation of a swap, in part."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import StationError
from hil.faults.draw import draw
from hil.record import Event, Violation
from hil.soak import regression
from hil.soak.case import Case, Outcome
from hil.soak.every import one
from hil.soak.run import run
from hil.virtual.station import CAPABILITIES

HEAD = 'seed = 1\nduration_s = 1.0\nspeed = 1.0\nwhy = ""'
LONG_S = 100.0
"""Seeds that are played longer are left to `make planted`."""


def _regressions() -> Iterator[Any]:
    for path in sorted((Path(__file__).parents[1] / "regressions").glob("*.toml")):
        long = regression.load(path)[0].duration_s > LONG_S
        yield pytest.param(path, id=path.stem, marks=[pytest.mark.planted] if long else [])


def _some(last: int, stride: int) -> list[Any]:
    """Every stride-th operation up to the last; the even ones of them are left to `make planted`."""
    return [pytest.param(n, marks=[pytest.mark.planted] if i % 2 else []) for i, n in enumerate(range(1, last, stride))]


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.disable(logging.CRITICAL)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("path", list(_regressions()))
def test_what_failed_once_holds(path: Path) -> None:
    case, why = regression.load(path)
    outcome = run(case)
    assert outcome.violations == [], why
    assert outcome.trucks > 0


def test_a_failing_seed_is_stored_with_its_log_and_runs_again_from_its_file(tmp_path: Path) -> None:
    outcome = Outcome(Case(7, 60.0, 20.0), events=[Event(0.5, "state", "Idle"), Event(1.5, "violation", "lost")])
    outcome.violations = [Violation(1.5, "a pack is lost", 'SIMP-1, says "the plant"\n')]
    outcome.plan = draw(random.Random(5), 60.0, CAPABILITIES)
    path = regression.store(outcome, tmp_path / "new")
    case, why = regression.load(path)
    assert case == Case(7, 60.0, 20.0, plan=tuple(outcome.plan))
    assert outcome.plan and why == 'a pack is lost at 1.500 s: SIMP-1, says "the plant"\n'
    assert path.with_suffix(".log").read_text() == "     0.500 state      Idle\n     1.500 violation  lost\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("seed = 1", "duration_s"),
        ('seed = "one"\nduration_s = 1.0\nspeed = 1.0\nwhy = ""', "seed"),
        ('seed = 1\nduration_s = 1.0\nspeed = 0.0\nwhy = ""', "speed"),
        ("seed = ", "cannot be read"),
        (f'{HEAD}\n[[fault]]\nat_s = 1.0\nkind = "can.los"', "fault 1: unknown fault"),
        (f"{HEAD}\n[[fault]]\nat_s = -1.0", "fault.0.at_s"),
    ],
)
def test_a_regression_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "seed-1.toml"
    path.write_text(text)
    with pytest.raises(StationError, match=named):
        regression.load(path)


@pytest.mark.parametrize("number", _some(970, 97))
def test_a_swap_with_one_failed_operation_ends_safely(number: int) -> None:
    found = one(number, "fail")
    assert found.outcome.violations == []
    assert (found.outcome.trucks, found.outcome.ended) == (1, "")


@pytest.mark.parametrize("number", _some(33, 4))  # `make every` takes them all
def test_a_controller_killed_at_a_journal_write_names_what_is_where_and_waits(number: int) -> None:
    found = one(number, "kill")
    assert found.outcome.violations == []
    assert (found.outcome.trucks, found.outcome.ended) == (1, "")
    if found.reached:
        assert found.outcome.checks["a restart names what is where"] == 1
