"""What ours is measured against: an EKF with two RC pairs and hysteresis, and filterpy's UKF over the same model.

The model gets its resistances from the same pulse tests as ours, by linear least squares at each temperature. Both
start at 10, 30, 50, 70 and 90 %; a peer's figure is the median over these, its worst the worst of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from filterpy.kalman import MerweScaledSigmaPoints, UnscentedKalmanFilter
from numpy.typing import NDArray

from hil.soc.runs import Run
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.fit_runs import Run as Pulses

Array = NDArray[np.float64]
TAU_S: Final = (20.0, 300.0)
NOISE_V: Final = 0.020
DRIFT_PER_S: Final = 1e-8
STARTS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
UKF_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Two RC pairs: V = OCV(z) + M(z) h + R0 i + v1 + v2; h by one state."""

    soc: Array
    middle_v: Array
    half_v: Array
    entropy: Array
    at_c: Array
    log_ohm: Array  # temperatures x (R0, R1, R2), ohm
    capacity_ah: float
    branch_gain: float

    def ohm(self, warm_c: float) -> tuple[float, float, float]:
        """R0, R1, R2 at a temperature."""
        r0, r1, r2 = (math.exp(float(np.interp(warm_c, self.at_c, self.log_ohm[:, k]))) for k in range(3))
        return r0, r1, r2

    def ocv(self, z: float, warm_c: float) -> float:
        """Middle of the branches, V."""
        return float(np.interp(z, self.soc, self.middle_v) + np.interp(z, self.soc, self.entropy) * (warm_c - 25))


def identify(cell_type: CellType, pulses: Sequence[Pulses]) -> Circuit:
    """The circuit from pulse tests at their temperatures."""
    c = cell_type.curve
    soc, low, high = np.array(c.soc), np.array(c.discharge_v), np.array(c.charge_v)
    half, entropy = (high - low) / 2, np.array(c.entropy_v_per_k)
    rows: dict[float, list[Array]] = {}
    for run in pulses:
        dt, amps, warm, z = run.frames.T
        keep = (z > 0.1) & (z < 0.9)
        branch = _branch(amps, dt, cell_type, run.branch)
        rest = run.voltage_v - np.interp(z, soc, (low + high) / 2) - np.interp(z, soc, half) * branch
        rest -= np.interp(z, soc, entropy) * (warm - 25)
        design = np.column_stack([amps, *(_filtered(amps, dt, tau) for tau in TAU_S)])
        ohm = np.linalg.lstsq(design[keep], rest[keep], rcond=None)[0]
        rows.setdefault(round(float(np.median(warm))), []).append(np.log(np.maximum(ohm, 1e-6)))
    at_c = sorted(rows)
    return Circuit(
        soc, (low + high) / 2, half, entropy, np.array(at_c), np.array([np.mean(rows[t], axis=0) for t in at_c]),
        cell_type.capacity_ah, cell_type.dynamics.branch_gain,
    )  # fmt: skip


def _filtered(amps: Array, dt: Array, tau: float) -> Array:
    out, state = np.empty(len(amps)), 0.0
    for k, (a, d) in enumerate(zip(amps, dt, strict=True)):
        state = a + (state - a) * math.exp(-d / tau)
        out[k] = state
    return out


def _branch(amps: Array, dt: Array, cell_type: CellType, first: float) -> Array:
    out, h = np.empty(len(amps)), first
    for k, (a, d) in enumerate(zip(amps, dt, strict=True)):
        h = _turn(h, a, d, cell_type.dynamics.branch_gain, cell_type.capacity_ah)
        out[k] = h
    return out


def _turn(h: float, amps: float, dt: float, gain: float, capacity_ah: float) -> float:
    keep = math.exp(-gain * abs(amps) * dt / 3600 / capacity_ah)
    return keep * h + (1 - keep) * math.copysign(1, amps)


def sound(run: Run) -> Array:
    """Frames as a peer gets them: the station's meter is not for it, what is lost is held."""
    frames = run.frames.copy()
    for column in (1, 2):
        series = frames[:, column]
        at = np.maximum.accumulate(np.where(np.isnan(series), 0, np.arange(len(series))))
        frames[:, column] = np.nan_to_num(series[at], nan=0.0 if column == 1 else 3.3)
    return frames


def ekf(circuit: Circuit, run: Run, start: float, start_sd: float) -> Array:
    """soc and its sd after each frame. States: z, v1, v2, h."""
    frames, x = sound(run), np.array([start, 0.0, 0.0, 0.0])
    p, out = np.diag([start_sd**2, 1e-6, 1e-6, 0.5]), np.empty((len(frames), 2))
    for k, (dt, amps, volts, warm, _) in enumerate(frames):
        ohm = circuit.ohm(warm)
        keep = np.array(
            [
                1.0,
                *(math.exp(-dt / tau) for tau in TAU_S),
                math.exp(-circuit.branch_gain * abs(amps) * dt / 3600 / circuit.capacity_ah),
            ]
        )
        x = keep * x + np.array(
            [
                amps * dt / 3600 / circuit.capacity_ah,
                (1 - keep[1]) * ohm[1] * amps,
                (1 - keep[2]) * ohm[2] * amps,
                (1 - keep[3]) * math.copysign(1, amps),
            ]
        )
        p = keep[:, None] * p * keep + np.diag([DRIFT_PER_S * dt, 1e-9 * dt, 1e-9 * dt, 1e-6 * dt])
        half = float(np.interp(x[0], circuit.soc, circuit.half_v))
        slope = (circuit.ocv(x[0] + 0.005, warm) - circuit.ocv(x[0] - 0.005, warm)) / 0.01
        h = np.array([slope, 1.0, 1.0, half])
        gain = p @ h / (h @ p @ h + NOISE_V**2)
        x = x + gain * (volts - circuit.ocv(x[0], warm) - x[1] - x[2] - half * x[3] - ohm[0] * amps)
        x[0], x[3] = min(max(x[0], -0.05), 1.05), min(max(x[3], -1.0), 1.0)
        p = p - np.outer(gain, h @ p)
        out[k] = x[0], math.sqrt(max(p[0, 0], 0.0))
    return out


def ukf(circuit: Circuit, run: Run, start: float, start_sd: float) -> Array:
    """filterpy's UKF over the same model, every 5 s."""
    frames = sound(run)
    points = MerweScaledSigmaPoints(4, alpha=0.1, beta=2.0, kappa=0.0)
    now: dict[str, float] = {}
    kalman: Any = UnscentedKalmanFilter(
        4, 1, 1.0, lambda x: np.array([_terminal(circuit, x, now)]), lambda x, dt: _onwards(circuit, x, dt, now), points
    )
    kalman.x = np.array([start, 0.0, 0.0, 0.0])
    kalman.P = np.diag([start_sd**2, 1e-6, 1e-6, 0.5])
    kalman.R *= NOISE_V**2
    out, passed, charge = np.empty((len(frames), 2)), 0.0, 0.0
    for k, (dt, amps, volts, warm, _) in enumerate(frames):
        passed, charge = passed + dt, charge + amps * dt
        if passed >= UKF_EVERY_S:
            now.update(amps=amps, mean=charge / passed, warm=warm)
            kalman.Q = np.diag([DRIFT_PER_S, 1e-9, 1e-9, 1e-6]) * passed
            kalman.predict(dt=passed)
            kalman.update(volts)
            kalman.x[0], kalman.x[3] = min(max(kalman.x[0], -0.05), 1.05), min(max(kalman.x[3], -1.0), 1.0)
            kalman.P = (kalman.P + kalman.P.T) / 2 + np.eye(4) * 1e-12
            passed = charge = 0.0
        out[k] = kalman.x[0], math.sqrt(max(kalman.P[0, 0], 0.0))
    return out


def _terminal(circuit: Circuit, x: Array, now: dict[str, float]) -> float:
    half = float(np.interp(x[0], circuit.soc, circuit.half_v))
    return (
        circuit.ocv(float(x[0]), now["warm"])
        + half * float(x[3])
        + float(x[1] + x[2])
        + circuit.ohm(now["warm"])[0] * now["amps"]
    )


def _onwards(circuit: Circuit, x: Array, dt: float, now: dict[str, float]) -> Array:
    amps, ohm = now["mean"], circuit.ohm(now["warm"])
    k1, k2 = (math.exp(-dt / tau) for tau in TAU_S)
    return np.array([
        x[0] + amps * dt / 3600 / circuit.capacity_ah, k1 * x[1] + (1 - k1) * ohm[1] * amps,
        k2 * x[2] + (1 - k2) * ohm[2] * amps, _turn(float(x[3]), amps, dt, circuit.branch_gain, circuit.capacity_ah),
    ])  # fmt: skip
