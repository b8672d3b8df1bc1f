"""The fit finds the terms of a cell it has not seen, from pulses and a slow cycle of that cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from station_ctl.soc import cell_type, curves

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
from station_ctl.soc import fit, fit_cycle, fit_report, fit_runs  # noqa: E402
from station_ctl.soc.fit_problem import Problem  # noqa: E402

FIRST = cell_type.load("lfp-302ah-177s")


def pulses(name: str, warm_c: float, other: cell_type.CellType) -> fit_runs.Run:
    """Half a charge and a pulse each way, fifteen times; 20 s steps."""
    amps = np.tile(
        np.r_[np.full(9, -150.0), np.zeros(15), np.full(2, -300.0), np.zeros(6), np.full(2, 200.0), np.zeros(15)], 15
    )
    steps = np.full(len(amps), 20.0)
    steps[0] = 0
    soc = 0.95 + np.cumsum((amps + np.r_[0, amps[:-1]]) / 2 * steps) / 3600 / other.capacity_ah
    run = fit_runs.Run(
        name, np.ascontiguousarray(np.column_stack([steps, amps, np.full(len(amps), warm_c), soc])), soc, 1.0
    )
    volts = fit.voltage(other, run) + np.random.default_rng(1).normal(0, 0.0005, len(amps))
    return fit_runs.Run(name, run.frames, volts, 1.0)


def test_finds_the_terms_of_another_cell(tmp_path: Path) -> None:
    terms = FIRST.terms.model_copy(update={"ohm_v": tuple(1.4 * v for v in FIRST.terms.ohm_v)})
    other = FIRST.model_copy(update={"terms": terms})
    runs = [pulses(f"at {t}", t, other) for t in (-10.0, 10.0, 40.0)]
    found, left = fit.fit(FIRST, runs, (-10.0, 10.0, 40.0), rounds=8)
    assert max(one.rms_mv for one in left) < 2.0
    truth = curves.terms(terms)
    for temperature_c, mine in zip((0, 25), (20, 32), strict=True):
        near = curves.terms(found.terms)[mine]
        assert near[2] == pytest.approx(truth[mine][2], rel=0.15), temperature_c
    text = fit_report.to_toml(found)
    assert cell_type.parse(text, "x.toml").terms.at_c == (-10.0, 10.0, 40.0)
    assert fit_report.table(left).count("\n") == 5


def test_a_slow_cycle_gives_both_branches() -> None:
    n = 2000
    z = np.r_[np.linspace(1, 0, n), np.linspace(0, 1, n)]
    amps = np.r_[np.full(n, -15.0), np.full(n, 15.0)]
    frames = np.ascontiguousarray(np.column_stack([np.full(2 * n, 35.0), amps, np.full(2 * n, 25.0), z]))
    cycle = fit_runs.Run("cycle", frames, z, 1.0)
    cycle = fit_runs.Run("cycle", frames, fit.voltage(FIRST, cycle), 1.0)
    found = fit_cycle.curve_from_cycle(cycle, FIRST)
    inner = slice(70, 135)  # away from the turns, where the branch is not all on one side yet
    assert np.abs(np.array(found.discharge_v) - np.array(FIRST.curve.discharge_v))[inner].max() < 0.004
    assert np.abs(np.array(found.charge_v) - np.array(FIRST.curve.charge_v))[inner].max() < 0.004


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", t=[0.0, 1.0], I=[0.0, 0.0])
    np.savez(tmp_path / "b.npz", t=[0.0, 1.0, 0.5], I=[0.0] * 3, V=[3.3] * 3, T=[20.0] * 3, soc=[0.5] * 3)
    for name in ("a.npz", "b.npz", "none.npz"):
        with pytest.raises(fit_runs.FitError):
            fit_runs.read_run(tmp_path / name)
    with pytest.raises(fit_runs.FitError, match="no runs"):
        fit.fit(FIRST, [], (0.0, 10.0, 25.0))
    flat = fit_runs.Run("half", np.zeros((100, 4)), np.zeros(100), 1.0)
    with pytest.raises(fit_runs.FitError, match="slow cycle"):
        fit_cycle.curve_from_cycle(flat, FIRST)


@pytest.mark.parametrize("far", [-30.0, 30.0])
def test_wherever_the_search_ends_the_type_can_be_written(far: float) -> None:
    problem = Problem(FIRST, (), (-10.0, 10.0, 40.0), True)
    found = problem.type(problem.usual + far)
    assert cell_type.parse(fit_report.to_toml(found), "x.toml").terms.slow_s == pytest.approx(found.terms.slow_s)


def test_says_which_way_no_run_goes() -> None:
    down, soc = pulses("down", 25.0, FIRST), np.linspace(0.2, 0.6, 100)
    up = fit_runs.Run("up", np.column_stack([np.ones(100), np.ones(100), np.full(100, 25.0), soc]), soc, -1.0)
    assert fit_report.direction_line([down]).startswith("no run charges by a third")
    assert fit_report.direction_line([up]).startswith("no run discharges by a third")
    assert fit_report.direction_line([down, up]) == ""


def restless(warm_c: float, of: cell_type.CellType) -> fit_runs.Run:
    """Minutes of charge and discharge by turns, 2.5 h of them: the voltage shows when the branch turns."""
    random = np.random.default_rng(int(warm_c))
    amps = np.repeat(np.where(random.random(30) < 0.35, 220.0, -260.0), 60) + np.repeat(random.uniform(-60, 60, 300), 6)
    steps = np.r_[0.0, np.full(len(amps) - 1, 5.0)]
    soc = 0.9 + np.cumsum(amps * steps) / 3600 / of.capacity_ah
    frames = np.ascontiguousarray(np.column_stack([steps, amps, np.full(len(amps), warm_c), soc]))
    run = fit_runs.Run(f"at {warm_c:g}", frames, soc, 1.0)
    return fit_runs.Run(run.name, frames, fit.voltage(of, run), 1.0)


@pytest.mark.parametrize("branch_s", [20.0, 150.0, 600.0])
def test_finds_how_slowly_the_branch_turns(branch_s: float) -> None:
    other = FIRST.model_copy(update={"dynamics": FIRST.dynamics.model_copy(update={"branch_s": branch_s})})
    runs = [restless(t, other) for t in (0.0, 12.5, 25.0)]
    found, left = fit.fit(FIRST, runs, (0.0, 12.5, 25.0))
    assert found.dynamics.branch_s == pytest.approx(branch_s, rel=0.05)
    assert max(one.rms_mv for one in left) < 0.2


def test_a_cold_run_is_worth_as_much_less_as_the_type_is_believed_less_there() -> None:
    runs = (restless(0.0, FIRST), restless(25.0, FIRST))
    problem = Problem(FIRST, runs, (0.0, 12.5, 25.0), slow=False)
    alike = [np.sqrt(1000 / wanted.sum()) for wanted in problem.wanted]
    assert problem.weights[1] == pytest.approx(alike[1])
    assert problem.weights[0] == pytest.approx(alike[0] * np.exp(-25 * FIRST.trust.model_cold_per_k))
