"""Measured runs followed by types that were fitted without them: the command behind a table of docs/soc.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from station_ctl.soc import cell_type

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
from hil.soc import left_out  # noqa: E402
from station_ctl.soc import fit, fit_runs  # noqa: E402

LIKE = cell_type.load("lfp-302ah-177s")


def run_of(warm_c: float) -> fit_runs.Run:
    """An hour of charge from 30 %, as the shipped type's own cell has it."""
    amps = np.r_[0.0, np.full(3600, 120.0)]
    soc = 0.3 + np.cumsum(amps) / 3600 / LIKE.capacity_ah
    frames = np.ascontiguousarray(np.column_stack([np.r_[0.0, np.ones(3600)], amps, np.full(3601, warm_c), soc]))
    run = fit_runs.Run(f"at {warm_c:g}", frames, soc, -1.0)
    return fit_runs.Run(run.name, frames, fit.voltage(LIKE, run), -1.0)


@pytest.mark.parametrize("meter", [False, True])
def test_a_run_of_the_types_own_cell_is_followed_from_both_starts(meter: bool) -> None:
    unknown, known = left_out.followed(LIKE, run_of(25.0), meter=meter)
    assert unknown.rmse < 8.0
    assert known.rmse < 3.0
    assert min(unknown.coverage, known.coverage) > 0.9
    assert known.width < unknown.width


def test_a_type_fitted_to_the_others_has_their_temperatures_and_no_more_trust() -> None:
    found = left_out.fitted(LIKE, [run_of(t) for t in (0.0, 15.0, 30.0)])
    assert found.terms.at_c == (0.0, 15.0, 30.0)
    assert found.trust.model_sd_v >= LIKE.trust.model_sd_v


def test_another_cells_curve_takes_the_place_of_the_types(tmp_path: Path) -> None:
    file = tmp_path / "ocv.csv"
    rows = [f"{z},{2.5 + z},{2.6 + z},{1e-4 * z}" for z in np.linspace(0, 1, 11)]
    file.write_text("\n".join(["soc," + ",".join(left_out.COLUMNS.values()), *rows]), encoding="utf-8")
    found = left_out.of_cell(LIKE, file, 2.05)
    assert (found.capacity_ah, found.nominal_ah) == (2.05, 2.05)
    grid = np.array(LIKE.curve.soc)
    assert np.array(found.curve.discharge_v) == pytest.approx(2.5 + grid, abs=1e-3)
    assert np.array(found.curve.charge_v) == pytest.approx(2.6 + grid, abs=1e-3)
    assert np.array(found.curve.entropy_v_per_k) == pytest.approx(1e-4 * grid)
