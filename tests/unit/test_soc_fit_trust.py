"""A fitted type is believed as far as it is good where it was not measured, and never more than the one it is like."""

from __future__ import annotations

from pathlib import Path

import pytest

from station_ctl import cli
from station_ctl.soc import cell_type

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
from station_ctl.soc import curves, fit, fit_report, fit_runs, fit_trust  # noqa: E402
from station_ctl.soc.fit_problem import Problem  # noqa: E402
from station_ctl.soc.type_sections import Terms  # noqa: E402

FIRST = cell_type.load("lfp-302ah-177s")
AT_C = (0.0, 12.5, 25.0)
CLOSE_C = (0.0, 8.0, 16.0, 25.0)
"""Near enough that what is between two is as good."""


def drive(warm_c: float, error_v: float, truth: cell_type.CellType = FIRST) -> fit_runs.Run:
    """A cell that is emptied by a restless current, 5 s steps; its voltage is off by a slow wave of this amplitude."""
    n = 1800
    amps = np.repeat(np.random.default_rng(7).uniform(-320, 100, n // 6), 6)
    soc = 0.97 + np.cumsum(amps * 5) / 3600 / truth.capacity_ah
    frames = np.column_stack([np.r_[0.0, np.full(n - 1, 5.0)], amps, np.full(n, warm_c), soc])
    run = fit_runs.Run(f"at {warm_c:g}", np.ascontiguousarray(frames), soc, 1.0)
    volts = fit.voltage(truth, run) + error_v * np.sin(2 * np.pi * soc / 0.3)
    return fit_runs.Run(run.name, run.frames, volts, 1.0)


def test_the_error_of_a_run_is_told_apart() -> None:
    clean = fit_trust.error(FIRST, drive(25.0, 0.0))
    assert clean.slow_v < 1e-6 and clean.swing_share < 1e-3
    slow = fit_trust.error(FIRST, drive(25.0, 0.008))
    assert slow.slow_v == pytest.approx(0.008 / 2**0.5, rel=0.15)
    assert slow.swing_share < 0.06
    weak = FIRST.model_copy(update={"terms": _ohm(FIRST.terms, 1.6)})
    assert fit_trust.error(FIRST, drive(25.0, 0.0, weak)).swing_share > 0.1
    still = drive(25.0, 0.0)
    still.frames[:, 1] = -30.0
    assert np.isnan(fit_trust.error(FIRST, still).swing_share)


def test_what_is_measured_well_is_believed_like_the_other() -> None:
    runs = [drive(t, 0.0) for t in CLOSE_C]
    found = fit.fit(FIRST, runs, CLOSE_C, rounds=6)[0]
    trust = fit_trust.believe(FIRST, found, runs)
    assert trust == FIRST.trust
    assert "nothing" in fit_report.trust_line(FIRST.trust, trust)


def test_errors_make_it_wider_and_the_cold_ones_in_the_cold() -> None:
    runs = [drive(0.0, 0.024), drive(12.5, 0.012), drive(25.0, 0.008)]
    found = _fitted(runs)
    trust = fit_trust.believe(FIRST, found, runs)
    for run in runs:
        warm_c = float(run.frames[0, 2])
        sd_v = trust.model_sd_v * np.exp(trust.model_cold_per_k * max(25 - warm_c, 0))
        assert sd_v >= 0.99 * fit_trust.error(found, run).slow_v, run.name
    assert trust.model_cold_per_k > FIRST.trust.model_cold_per_k
    assert trust.model_sd_v > 2 * FIRST.trust.model_sd_v
    assert "model_sd_v" in fit_report.trust_line(FIRST.trust, trust)


def test_a_temperature_between_two_is_judged_by_what_has_not_seen_it() -> None:
    """Its ohmic drop is far off the line of the two beside it: a fit over all hides that, leaving it out does not."""
    kinked = FIRST.terms.model_copy(update={"at_c": AT_C, **_at(FIRST.terms, AT_C)})
    odd = FIRST.model_copy(update={"terms": kinked})
    ohms = (kinked.ohm_v[0], 3 * kinked.ohm_v[1], kinked.ohm_v[2])
    truth = odd.model_copy(update={"terms": kinked.model_copy(update={"ohm_v": ohms})})
    runs = [drive(t, 0.0, truth) for t in AT_C]
    found = _fitted(runs)
    seen = fit_trust.error(found, runs[1])
    trust = fit_trust.believe(FIRST, found, runs)
    assert trust.swing_share > 2 * fit_trust.LOOKS * seen.swing_share
    assert trust.swing_share > FIRST.trust.swing_share


def test_the_verb_writes_a_type_of_its_own_name_and_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = []
    for warm_c in AT_C:
        run = drive(warm_c, 0.02)
        t, amps, warm, soc = np.cumsum(run.frames[:, 0]), *run.frames[:, 1:].T
        runs.append(tmp_path / f"at {warm_c:g}.npz")
        np.savez(runs[-1], t=t, I=amps, V=run.voltage_v, T=warm, soc=soc)
    asked = [
        "soc",
        "fit",
        *map(str, runs),
        "--like",
        FIRST.name,
        "--at",
        "0,12.5,25",
        "--out",
        str(tmp_path / "New_One.toml"),
    ]
    assert cli.main(asked) == 0
    made = cell_type.load(tmp_path / "New_One.toml")
    assert (made.name, "3 runs, 0,12.5,25 degC" in made.source) == ("new-one", True)
    assert made.trust.model_sd_v > 0.01
    assert "trust less than --like: model_sd_v" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main([*asked, "--name", "No Name"])
    assert "is no name of a type" in capsys.readouterr().err


def test_terms_that_no_kernel_takes_do_not_end_the_search() -> None:
    run = drive(25.0, 0.0)
    problem = Problem(FIRST, (run,), AT_C, slow=False)
    good = problem.usual
    bad = good.copy()
    bad[:2] = 1e9, -1e9
    assert np.linalg.norm(problem.residuals(good)) < np.linalg.norm(problem.residuals(bad)) < np.inf


def _fitted(runs: list[fit_runs.Run]) -> cell_type.CellType:
    return fit.fit(FIRST, runs, AT_C, rounds=6)[0]


def _ohm(terms: Terms, times: float) -> Terms:
    return terms.model_copy(update={"ohm_v": tuple(times * v for v in terms.ohm_v)})


def _at(terms: Terms, at_c: tuple[float, ...]) -> dict[str, tuple[float, ...]]:
    table = curves.terms(terms)
    rows = [table[round((t + 40) / 2)] for t in at_c]
    names = ("lag_gain", "lag_s", "ohm_v", "exchange_c", "slow_v", "slow_s")
    return {name: tuple(float(row[k]) for row in rows) for k, name in enumerate(names)}
