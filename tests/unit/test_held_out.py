"""Held-out runs: what is drawn, how it is read back and, where PyBaMM is installed, whether the cell is the type's."""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
from hil.soc import bench, runs, visits  # noqa: E402
from hil.soc.porous.truth import FRESH, Aged, Duty, Truth, joined  # noqa: E402
from station_ctl.soc import cell_type  # noqa: E402


def truth(length: int, capacity_ah: float = 290.0) -> Truth:
    t_s = np.arange(float(length))
    return Truth(t_s, t_s * 0 + 100.0, t_s * 0 + 3.3, t_s * 0 + 20.0, 0.2 + t_s / 1e4, capacity_ah)


@pytest.mark.parametrize("step_s", [1.0, 0.1])
def test_a_drive_takes_charge_stays_within_what_a_pack_gives_and_stands_at_times(step_s: float) -> None:
    of = visits.duty(np.random.default_rng(3), 60, -90.0, step_s)
    assert of.step_s == step_s and len(of.amps) == 3600 / step_s + 1
    assert (of.amps.min() >= -330.0, of.amps.max() <= 226.0, of.amps.max() > 50.0) == (True, True, True)
    assert -130.0 < of.amps.mean() < -50.0 and 0.02 < float(np.mean(of.amps == 0.0)) < 0.3


def test_a_seed_draws_the_same_set_another_one_another() -> None:
    def drawn(seed: int) -> list[tuple[object, ...]]:
        found = visits.visits(np.random.default_rng(seed))
        return [(v.name, v.soc, v.ambient_c, v.aged, [s for s in v.bay if isinstance(s, str)]) for v in found]

    assert drawn(5) == drawn(5) and drawn(5) != drawn(6)


def test_every_visit_is_of_a_kind_begins_with_charge_and_is_charged_slowly_in_the_cold() -> None:
    for seed in range(20):
        found = list(visits.visits(np.random.default_rng(seed)))
        assert {v.kind for v in found} == {"bay", "aged", "drive", "drive10Hz", "minor", "visit"}
        assert len({v.name for v in found}) == len(found)
        assert all(visits.LEAST <= v.soc <= 0.9 for v in found)
        rates = [(v.ambient_c, float(v.bay[1].split()[2])) for v in found if v.kind in ("bay", "aged")]  # type: ignore[union-attr]
        assert all(rate < 0.31 * visits.FULL_A for ambient_c, rate in rates if ambient_c < 2.0)


def test_what_nobody_saw_comes_in_turn() -> None:
    four = [steps for steps, _ in islice(visits.histories(np.random.default_rng(1)), 4)]
    assert [len(steps) for steps in four] == [1, 1, 2, 2]
    assert [isinstance(steps[0], Duty) for steps in four] == [True, False, True, False]


def test_parts_follow_each_other_by_a_second() -> None:
    whole = joined([truth(3), truth(2)])
    assert whole.t_s.tolist() == [0, 1, 2, 3, 4] and len(whole.soc) == 5 and whole.capacity_ah == 290.0


def test_a_run_is_read_back_as_it_was_written_behind_its_sensors(tmp_path: Path) -> None:
    cells_v = np.full((900, 12), 3.3)
    runs.write(tmp_path, "one", truth(900), cells_v, {"kind": "visit", "seed": 4, "dock_at_s": 300.0})
    runs.write(
        tmp_path, "road", truth(900), about={"kind": "drive", "seed": 4, "known_start": True, "dock_at_s": math.nan}
    )
    one, road = runs.read(tmp_path, runs.Sensors(bias_a=2.0))
    assert (one.kind, one.docked_s, one.start, one.capacity_ah) == ("visit", 300.0, None, 290.0)
    assert one.cells_v is not None and one.cells_v.shape == (900, 12)
    assert np.isnan(one.frames[:300, 4]).all() and abs(float(np.mean(one.frames[300:, 4])) - 100.0) < 0.02
    assert abs(float(np.mean(one.frames[:, 1])) - 102.0) < 0.05
    assert (road.kind, road.docked_s, road.start) == ("drive", 0.0, (pytest.approx(0.18), 0.03))
    assert np.isnan(road.frames[:, 4]).all() and one.after is None


def test_a_pack_that_comes_again_has_its_record(tmp_path: Path) -> None:
    like = cell_type.load("lfp-302ah-177s")
    runs.write(tmp_path, "a", truth(1200), about={"kind": "aged", "seed": 4, "dock_at_s": 0.0})
    runs.write(
        tmp_path, "a_again", truth(1200), about={"kind": "aged again", "seed": 4, "after": "a", "dock_at_s": 0.0}
    )
    first, again = runs.read(tmp_path, runs.Sensors(bias_a=2.0))
    ours = bench.Ours(like)
    _, _, answers = ours.followed(first)
    assert abs(answers[0, 8]) < 0.1 and abs(answers[-1, 8] - 2.0) < 0.1
    assert abs(ours.followed(again)[2][0, 8] - 2.0) < 0.1
    with pytest.raises(KeyError):
        bench.Ours(like).followed(again)


def test_the_porous_cell_is_the_types_and_loses_what_it_is_told() -> None:
    pytest.importorskip("pybamm")
    from hil.soc.porous import cell, solve

    like = cell_type.load("lfp-302ah-177s")
    assert cell.window(FRESH).capacity_ah == pytest.approx(like.capacity_ah, rel=1e-3)
    assert cell.window(Aged(lithium=0.2)).capacity_ah == pytest.approx(0.8 * like.capacity_ah, rel=2e-3)
    assert cell.window(Aged(graphite=0.1)).capacity_ah == pytest.approx(0.9 * like.capacity_ah, rel=2e-3)
    parts: list[tuple[solve.Step, ...]] = [
        ("Rest for 1 minute",),
        ("Charge at 151 A for 10 minutes", Duty(np.full(301, -90.0), 1.0), "Rest for 20 minutes"),
    ]
    before, seen = solve.run(like, parts, soc=0.5, ambient_c=25.0, aged=FRESH, charged_last=False)
    assert before.voltage_v[0] == pytest.approx(np.interp(0.5, like.curve.soc, like.curve.discharge_v), abs=2e-3)
    passed = float(np.sum((seen.current_a[1:] + seen.current_a[:-1]) / 2 * np.diff(seen.t_s))) / 3600
    assert seen.soc[-1] - seen.soc[0] == pytest.approx(passed / like.capacity_ah, abs=1e-4)
    assert passed == pytest.approx(151 / 6 - 90 / 12, abs=0.1) and seen.temperature_c.max() > 25.1
