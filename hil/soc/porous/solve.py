"""Steps of current, one after another, on the porous cell."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pybamm
from numpy.typing import NDArray

from hil.soc.porous.cell import KELVIN, Window, parameters, window
from hil.soc.porous.truth import Aged, Step, Truth
from station_ctl.soc.cell_type import CellType

Array = NDArray[np.float64]
OPTIONS: Final = {
    "open-circuit potential": ("one-state hysteresis", "one-state hysteresis"),
    "thermal": "lumped",
    "contact resistance": "true",
}
POINTS: Final = {"x_n": 8, "x_s": 4, "x_p": 8, "r_n": 20, "r_p": 12}
"""Of the mesh; twice as many change a charge by 0.4 mV rms, 6 mV in the first seconds of a step."""


def run(
    like: CellType, parts: Sequence[tuple[Step, ...]], *, soc: float, ambient_c: float, aged: Aged, charged_last: bool
) -> list[Truth]:
    """One truth for each part, one after another; begins at rest on a branch. Raises ValueError if it runs empty."""
    of = window(aged)
    values = parameters(like, aged)
    x, y = (low + (high - low) * soc for low, high in (of.x, of.y))
    state = 1.0 if charged_last else -1.0
    values.update(
        {
            "Ambient temperature [K]": ambient_c + KELVIN,
            "Initial temperature [K]": ambient_c + KELVIN,
            "Initial concentration in negative electrode [mol.m-3]": 30555 * x,
            "Initial concentration in positive electrode [mol.m-3]": 22806 * y,
            "Initial hysteresis state in negative electrode": -state,
            "Initial hysteresis state in positive electrode": state,
        }
    )
    sim = pybamm.Simulation(
        _model(),
        experiment=pybamm.Experiment([tuple(map(_step, part)) for part in parts], period="1 second"),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-5, atol=1e-6),
        var_pts=POINTS,
    )
    cycles = sim.solve().cycles
    if len(cycles) != len(parts):  # the solver only warns
        raise ValueError(
            f"{len(cycles)} of {len(parts)} parts could be played from a charge of {soc:.2f}: it ran empty"
        )
    return [_truth(cycle, of) for cycle in cycles]


def _model() -> Any:
    with warnings.catch_warnings():  # what another version meant by the rate of hysteresis
        warnings.filterwarnings("ignore", "The definition of the hysteresis decay rate")
        return pybamm.lithium_ion.DFN(OPTIONS)


def _step(step: Step) -> Any:
    if isinstance(step, str):
        return step
    t_s = np.arange(len(step.amps)) * step.step_s
    return pybamm.step.current(np.column_stack([t_s, -step.amps]), period=step.step_s)


def _truth(cycle: Any, of: Window) -> Truth:
    x = cycle["Negative electrode stoichiometry"].entries
    t_s, kept = np.unique(cycle.t, return_index=True)
    return Truth(
        t_s - t_s[0],
        -cycle["Current [A]"].entries[kept],
        cycle["Terminal voltage [V]"].entries[kept],
        cycle["Volume-averaged cell temperature [K]"].entries[kept] - KELVIN,
        ((x - of.x[0]) / (of.x[1] - of.x[0]))[kept],
        of.capacity_ah,
    )
