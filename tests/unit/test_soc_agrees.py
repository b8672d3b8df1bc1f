"""The compiled estimator and its NumPy form say the same to 1e-9, over runs that hypothesis draws."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import station_ctl.kernel.soc as kernel

np = pytest.importorskip("numpy")
from station_ctl.soc import curves  # noqa: E402
from station_ctl.soc.cell_type import CellType  # noqa: E402
from tests import soc_reference  # noqa: E402
from tests.soc_bank_reference import ALIVE  # noqa: E402
from tests.soc_frames import HEALTHS, METER, NAN, TYPE, VOLTS, Array, estimator, of_currents  # noqa: E402

CLOSE: Final = 1e-9


def assert_same(one: kernel.Estimator, other: soc_reference.Reference) -> None:
    """Every hypothesis' weight, means and variances, and all that is said."""
    rows = one.all()
    living = [n for n, row in enumerate(rows) if row[0] > ALIVE]
    assert living == other.slot.tolist()
    for place, theirs in ((0, other.log), (1, other.m), (2, np.diagonal(other.p, axis1=1, axis2=2))):
        np.testing.assert_allclose([rows[n][place] for n in living], theirs, rtol=0, atol=CLOSE)
    np.testing.assert_allclose(one.estimate()[:10], other.answer(), rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(one.arrival(), other.arrival(), rtol=CLOSE, atol=CLOSE)


@st.composite
def runs(draw: st.DrawFn) -> Array:
    """Currents in pieces, noise, any temperature and step, lost and wild voltages; the pack may dock on the way."""
    dt_s = draw(st.sampled_from([0.1, 0.5, 1.0, 7.0, 60.0]))
    pieces = draw(st.lists(st.tuples(st.integers(5, 120), st.floats(-250, 300)), min_size=1, max_size=5))
    amps = np.concatenate([np.full(count, level) for count, level in pieces])
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    amps += random.normal(0, draw(st.floats(0.1, 60)), len(amps))
    through = amps.cumsum() * dt_s / 3600 / TYPE.capacity_ah
    low, high = max(0.02, 0.02 - through.min()), min(0.98, 0.98 - through.max())
    soc = low + draw(st.floats(0, 1)) * (high - low) if high > low else 0.5
    rows, _ = of_currents(amps, soc, dt_s, draw(st.floats(-25, 50)))
    rows[:, VOLTS] += random.normal(0, 0.002, len(amps))
    wild = random.random(len(amps)) < draw(st.sampled_from([0.0, 0.0, 0.02, 0.3]))
    rows[wild, VOLTS] = draw(st.sampled_from([NAN, 0.0, 9.9, 3.1, 3.6]))
    docks = draw(st.integers(0, len(amps)))
    rows[docks:, METER] = amps[docks:] + draw(st.floats(-4, 4))
    return rows


CREEPING: Final = TYPE.model_copy(
    update={
        "dynamics": TYPE.dynamics.model_copy(update={"branch_s": 90.0, "knee_lag": 1.0}),
        "terms": TYPE.terms.model_copy(update={"slow_v": TYPE.terms.ohm_v, "slow_s": TYPE.terms.lag_s}),
    }
)
"""A cell of another kind: what the shipped type has none of, as a measured cell has it."""
STARTS = st.none() | st.tuples(st.floats(0.0, 1.0), st.floats(0.002, 0.3))


@settings(max_examples=25)
@given(runs(), STARTS, st.sampled_from([TYPE, CREEPING]))
def test_agrees_over_any_run(rows: Array, start: tuple[float, float] | None, of: CellType) -> None:
    one, other = kernel.Estimator(curves.kernel_type(of), HEALTHS), soc_reference.Reference(of)
    if start is not None:
        one.start(*start)
        other.start(*start)
    for k, row in enumerate(rows):
        assert one.step(*row) == other.step(*row)
        if k % 40 == 0:
            assert_same(one, other)
    assert_same(one, other)


def test_agrees_up_the_knee_where_all_become_one() -> None:
    """From nothing to the knee: hypotheses die, the last ones are merged."""
    random = np.random.default_rng(5)
    amps = 150 + random.normal(0, 1, 575)
    rows, _ = of_currents(amps, 0.2, 10.0, 23.0, docked=True)
    rows[:, VOLTS] += random.normal(0, 5e-4, len(rows))
    assert rows[-1, VOLTS] > 3.5
    one, other = estimator(), soc_reference.Reference(TYPE)
    for k, row in enumerate(rows):
        assert one.step(*row) == other.step(*row)
        if k % 50 == 0:
            assert_same(one, other)
    assert_same(one, other)
    assert len(other.log) == 1
