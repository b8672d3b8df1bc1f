"""The truck cell as a porous electrode, solved by PyBaMM: the truth of runs on which the estimator is judged.

Doyle-Fuller-Newman with lumped heat and a one-state hysteresis in each electrode (Axen et al., J. Energy Storage 48
(2022) 103985). Parameters: Prada et al., J. Electrochem. Soc. 160 (2013) A616, as PyBaMM ships them, 131.3 cells of
2.3 Ah in parallel. Window of charge, hysteresis and entropy are the shipped type's curve. The figures of `Fitted` are
least squares against pulse tests and charges of the cell at -10 to 40 degC: they leave 1-2 mV, at -10 degC 3 mV.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pybamm
from numpy.typing import NDArray
from scipy.optimize import brentq

from hil.soc.porous.truth import FRESH, Aged
from station_ctl.soc.cell_type import CellType

Array = NDArray[np.float64]
FARADAY: Final = 96485.33
AREA_M2: Final = 0.18 * 131.304
GRAPHITE_AH: Final = 30555 * 0.58 * 3.4e-5 * AREA_M2 * FARADAY / 3600
PHOSPHATE_AH: Final = 22806 * 0.374 * 8e-5 * AREA_M2 * FARADAY / 3600
EMPTY: Final = (0.0354506, 0.687756)
FULL_OF_PHOSPHATE: Final = 0.00376159
"""Lithium in graphite and phosphate of a fresh cell at 0 %, in phosphate at 100 %: fitted to the type's curve."""
EMPTY_V: Final = 2.5
FULL_V: Final = 3.6
KELVIN: Final = 273.15
BRANCH_V: Final = 0.013
"""Half the distance of the phosphate's branches; what the type's curve has beyond is the graphite's."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What tests of the cell say beyond the literature's parameters; J/mol are activation energies."""

    exchange_graphite: float = 0.922
    exchange_phosphate: float = 2.6
    exchange_j_per_mol: float = 9.85e3
    diffusion_graphite: float = 2.705
    diffusion_graphite_j_per_mol: float = 29.7e3
    diffusion_phosphate: float = 0.8
    diffusion_phosphate_j_per_mol: float = 52e3
    electrolyte_m2_per_s: float = 1e-9
    contact_ohm: float = 1.32e-4
    branch_rate: float = 43.05
    cooling_w_per_m2k: float = 6.11
    heat_capacity_j_per_kgk: float = 1190.0


FITTED: Final = Fitted()


@dataclass(frozen=True, slots=True)
class Window:
    """Lithium in graphite (x) and phosphate (y) at 0 and 100 %, and the charge between, Ah."""

    x: tuple[float, float]
    y: tuple[float, float]
    capacity_ah: float


def window(aged: Aged) -> Window:
    """Between 2.5 and 3.6 V at rest."""
    of = pybamm.ParameterValues("Prada2013")
    graphite_ah = GRAPHITE_AH * (1 - aged.graphite)
    fresh_ah = (EMPTY[1] - FULL_OF_PHOSPHATE) * PHOSPHATE_AH
    full_x = EMPTY[0] + fresh_ah / GRAPHITE_AH
    lithium_ah = EMPTY[0] * GRAPHITE_AH + EMPTY[1] * PHOSPHATE_AH
    lithium_ah -= aged.lithium * fresh_ah + aged.graphite * full_x * GRAPHITE_AH

    def phosphate(x: float) -> float:
        return float((lithium_ah - x * graphite_ah) / PHOSPHATE_AH)

    def rest_v(x: float) -> float:
        positive, negative = of["Positive electrode OCP [V]"], of["Negative electrode OCP [V]"]
        return float((positive(pybamm.Scalar(phosphate(x))) - negative(pybamm.Scalar(x))).evaluate())

    low = brentq(lambda x: rest_v(x) - EMPTY_V, 0.001, 0.3)
    high = brentq(lambda x: rest_v(x) - FULL_V, 0.3, min(0.9999, (lithium_ah - 1e-4 * PHOSPHATE_AH) / graphite_ah))
    return Window((low, high), (phosphate(low), phosphate(high)), (high - low) * graphite_ah)


def parameters(like: CellType, aged: Aged, fitted: Fitted = FITTED) -> pybamm.ParameterValues:
    """The literature's, at this size, with branches, heat and temperature."""
    values = pybamm.ParameterValues("Prada2013")
    values.update(_sizes(aged, fitted) | _branches(values, like, fitted), check_already_exists=False)
    values.update(_rates(values, aged, fitted), check_already_exists=False)
    return values


def _sizes(aged: Aged, fitted: Fitted) -> dict[str, float]:
    parts = ["electrode", "current collector"]
    found = {}
    for part in [*(f"{end} {part}" for end in ("Negative", "Positive") for part in parts), "Separator"]:
        found[f"{part} density [kg.m-3]"] = 2000.0
        found[f"{part} specific heat capacity [J.kg-1.K-1]"] = fitted.heat_capacity_j_per_kgk
        found[f"{part} thermal conductivity [W.m-1.K-1]"] = 1.0
        if part.endswith("collector"):
            found |= {f"{part} thickness [m]": 1e-5, f"{part} conductivity [S.m-1]": 5e7}
    return found | {
        "Number of electrodes connected in parallel to make a cell": AREA_M2 / 0.18,
        "Nominal cell capacity [A.h]": 302.0,
        "Reference temperature [K]": 25 + KELVIN,
        "Lower voltage cut-off [V]": 1.5,
        "Upper voltage cut-off [V]": 4.2,
        "Cell volume [m3]": 0.0025,
        "Cell cooling surface area [m2]": 0.2,
        "Total heat transfer coefficient [W.m-2.K-1]": fitted.cooling_w_per_m2k,
        "Negative electrode active material volume fraction": 0.58 * (1 - aged.graphite),
        "Electrolyte diffusivity [m2.s-1]": fitted.electrolyte_m2_per_s,
        "Contact resistance [Ohm]": fitted.contact_ohm * aged.resistance,
    }


def _branches(values: Any, like: CellType, fitted: Fitted) -> dict[str, Any]:
    """Open-circuit voltages of both electrodes on both branches, and graphite's entropy."""
    curve, fresh = like.curve, window(FRESH)
    x = fresh.x[0] + (fresh.x[1] - fresh.x[0]) * np.array(curve.soc)
    half = np.maximum((np.array(curve.charge_v) - np.array(curve.discharge_v)) / 2 - BRANCH_V, 0.0)
    graphite, phosphate = values["Negative electrode OCP [V]"], values["Positive electrode OCP [V]"]
    apart, entropy = _table(x, half), _table(x, -np.array(curve.entropy_v_per_k))
    found: dict[str, Any] = {
        "Negative electrode lithiation OCP [V]": lambda s: graphite(s) - apart(s),
        "Negative electrode delithiation OCP [V]": lambda s: graphite(s) + apart(s),
        "Positive electrode lithiation OCP [V]": lambda s: phosphate(s) - BRANCH_V,
        "Positive electrode delithiation OCP [V]": lambda s: phosphate(s) + BRANCH_V,
        "Negative electrode OCP entropic change [V.K-1]": entropy,
    }
    for end in ("Negative", "Positive"):
        for way in ("lithiation ", "delithiation ", ""):
            found[f"{end} particle {way}hysteresis decay rate"] = fitted.branch_rate
    return found


def _table(x: Array, values: Array) -> Callable[[Any], Any]:
    """Linear between, level beyond."""
    wide_x, wide = np.r_[-0.5, x, 1.5], np.r_[values[0], values, values[-1]]
    return lambda s: pybamm.Interpolant(wide_x, wide, s, interpolator="linear")


def _rates(values: Any, aged: Aged, fitted: Fitted) -> dict[str, Any]:
    """Charge transfer and diffusion at a temperature (Arrhenius, 25 degC), slower in an aged cell."""

    def warm(kelvin: Any, j_per_mol: float) -> Any:
        return pybamm.exp(j_per_mol / 8.314 * (1 / (25 + KELVIN) - 1 / kelvin)) / aged.resistance

    graphite = values["Negative electrode exchange-current density [A.m-2]"]
    phosphate = values["Positive electrode exchange-current density [A.m-2]"]
    exchange = fitted.exchange_j_per_mol
    return {
        "Negative electrode exchange-current density [A.m-2]": lambda e, s, most, t: (
            fitted.exchange_graphite * graphite(e, s, most, t) * warm(t, exchange)
        ),
        "Positive electrode exchange-current density [A.m-2]": lambda e, s, most, t: (
            fitted.exchange_phosphate * phosphate(e, s, most, t) * warm(t, exchange)
        ),
        "Negative particle diffusivity [m2.s-1]": lambda s, t: (
            3e-15 * fitted.diffusion_graphite * warm(t, fitted.diffusion_graphite_j_per_mol)
        ),
        "Positive particle diffusivity [m2.s-1]": lambda s, t: (
            5.9e-18 * fitted.diffusion_phosphate * warm(t, fitted.diffusion_phosphate_j_per_mol)
        ),
    }
