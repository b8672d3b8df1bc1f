"""What no log of a pack can mean is refused with its column; what a bus does to frames is the estimator's to judge."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")
from station_ctl.soc import cell_type, log, plausible  # noqa: E402
from tests.soc_logs import N, columns, sound  # noqa: E402

TYPE = cell_type.load("lfp-302ah-177s")
Change = Callable[[Any], Any]


def changed(place: int, change: Change) -> log.Log:
    frames = sound().frames.copy()
    frames[:, place] = change(frames[:, place])
    return dataclasses.replace(sound(), frames=frames)


@pytest.mark.parametrize(
    ("place", "change", "says"),
    [
        (0, lambda dt: dt * 1e3, "steps that no log has; got '1000'.*t is in s, not ms"),
        (0, lambda dt: dt / 3600, "steps that no log has.*t is in s"),
        (0, lambda dt: dt * 0, "t stands still"),
        (1, lambda a: a * 1e3, "I cannot be in A.*not mA"),
        (1, lambda a: -a, "I has the other sign; got 'the voltage falls at.*turn the sign"),
        (1, lambda a: a * np.nan, "I has no value"),
        (0, lambda dt: dt * 200, "more charge passes one way than a pack holds"),
        (2, lambda v: v * 1e3, "V cannot be in V.*V is in V, not mV"),
        (2, lambda v: v * 177, "V cannot be in V; got '57.*divided by its 177 cells"),
        (2, lambda v: v * 0, "V cannot be in V.*of one cell"),
        (2, lambda v: v * np.nan, "V has no value"),
        (3, lambda t: t + 273.15, "T cannot be in degC.*not K"),
        (4, lambda m: -sound().frames[:, 1], "I_meter has the other sign"),
    ],
)
def test_a_log_of_another_unit_is_refused(place: int, change: Change, says: str) -> None:
    with pytest.raises(log.LogError, match=f"^a.csv: .*{says}"):
        plausible.check(changed(place, change), TYPE, "a.csv")


def test_a_small_cells_log_is_not_taken_for_a_large_ones() -> None:
    small = columns() | {"I": columns()["I"] / 20, "V": 3.28 + columns()["I"] / 20 * 0.015}
    with pytest.raises(log.LogError, match=r"times its resistance.*is it a pack of --type lfp-302ah-177s"):
        plausible.check(log.from_columns(small, "a"), TYPE, "a")
    plausible.check(log.from_columns(small | {"V": 3.28 + columns()["I"] / 20 * 0.002}, "a"), TYPE, "a")
    plausible.check(log.from_columns(small | {"t": np.arange(N) * 60.0}, "a"), TYPE, "a")
    cold = small | {"V": 3.28 + columns()["I"] / 20 * 0.01, "T": np.full(N, -20.0)}
    plausible.check(log.from_columns(cold, "a"), TYPE, "a")
    plausible.check(log.from_columns(cold | {"T": np.full(N, np.nan)}, "a"), TYPE, "a")


def test_cells_in_volts_are_refused() -> None:
    cells = dataclasses.replace(sound(), cells_v=np.full((N, 3), 0.0033))
    with pytest.raises(log.LogError, match=r"V_cells_mV cannot be in mV; got '3\.3 in the middle'"):
        plausible.check(cells, TYPE, "a.csv")


def some(share: float, value: float) -> Change:
    return lambda values: np.where(np.random.default_rng(3).random(len(values)) < share, value, values)


@pytest.mark.parametrize(
    ("place", "change"),
    [
        *((1, some(0.3, value)) for value in (np.nan, np.inf, -1e6, 0.0)),
        *((2, some(0.4, value)) for value in (np.nan, np.inf, 1.7e308, -1.7e308, 0.0, 566.0)),
        (1, lambda a: some(0.04, 1e9)(a * 0)),
        (1, lambda a: np.repeat(a[::100], 100)),
        (0, lambda dt: some(0.1, 1e5)(dt)),
        (0, lambda dt: some(0.4, 0.0)(dt)),
        (0, lambda dt: dt * 60),
        (0, lambda dt: dt * 0.1),
        (3, lambda t: t * np.nan),
        (3, some(0.3, 400.0)),
        (4, lambda m: sound().frames[:, 1]),
    ],
)
def test_lost_wild_and_frozen_frames_are_the_estimators_to_judge(place: int, change: Change) -> None:
    plausible.check(changed(place, change), TYPE, "a")


def test_a_meter_alone_will_do() -> None:
    metered = sound().frames.copy()
    metered[:, 4], metered[:, 1] = metered[:, 1], np.nan
    plausible.check(dataclasses.replace(sound(), frames=metered), TYPE, "a")


def test_steps_of_ten_minutes_and_one_row_will_do() -> None:
    slow = columns() | {"t": np.arange(N) * 600.0, "I": 9 * np.sin(np.arange(N))}
    plausible.check(log.from_columns(slow, "a"), TYPE, "a")
    plausible.check(log.from_columns({name: values[:1] for name, values in columns().items()}, "a"), TYPE, "a")
