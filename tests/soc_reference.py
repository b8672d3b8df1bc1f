"""The estimator once more, in NumPy and with whole matrices: written from docs/soc.md, not from the kernel's rooms.

It knows sound frames only (no lost, frozen or wild ones) and never merges its hypotheses.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType

Array = NDArray[np.float64]
X, Q, H, S, C, O, B = range(7)  # noqa: E741
CHARGES, ALIVE = 41, -18.37


@dataclass
class Sums:
    charge: float = 0.0
    through: float = 0.0
    travel: float = 0.0
    bms_h: float = 0.0
    elapsed_s: float = 0.0
    keep: float = 1.0
    push: float = 0.0
    voltages: list[float] = field(default_factory=list)
    etas: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    charges: list[float] = field(default_factory=list)
    temperatures: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)


class Reference:
    def __init__(self, cell_type: CellType) -> None:
        self.type, self.trust, self.dynamics = cell_type, cell_type.trust, cell_type.dynamics
        plateau, knee = curves.tables(cell_type)
        self.plateau, self.knee = np.array(plateau), np.array(knee)
        self.terms = np.array(curves.terms(cell_type.terms))
        self.places = curves.FIRST + curves.STEP * np.arange(len(knee))
        self.rate = self.slow = self.fast = self.slow_v = self.branch_rate = self.travel_rate = 0.0
        self.eta_mean = self.eta_swing = self.age_s = 0.0
        self.sums = Sums()
        self._spread()

    def _spread(self) -> None:
        t, step = self.trust, 1 / (CHARGES - 1)
        healths, charges, logs, deviations = [], [], [], []
        for health in self.type.health:
            places = health.capacity / step + 1
            for k in range(CHARGES):
                if k < places:
                    charges.append(k * step)
                    healths.append(health.capacity)
                    deviations.append(health.sd)
                    logs.append(np.log(health.weight / places))
        n = len(charges)
        self.m = np.zeros((n, 7))
        self.m[:, X], self.m[:, Q], self.m[:, S] = charges, healths, 1.0
        self.p = np.zeros((n, 7, 7))
        variances = {
            X: (0.65 * step) ** 2, Q: np.array(deviations) ** 2, H: t.branch_sd**2, S: t.scale_sd**2,
            C: t.level_sd_v**2, O: 2 * t.model_sd_v**2, B: t.bias_sd_c**2,
        }  # fmt: skip
        for state, variance in variances.items():
            self.p[:, state, state] = variance
        self.log = np.array(logs) - max(logs)
        self.extra = np.zeros(n)

    def step(self, dt_s: float, current_a: float, voltage_v: float, temperature_c: float, meter_a: float) -> bool:
        sums, d = self.sums, self.dynamics
        used = current_a if np.isnan(meter_a) else meter_a
        if np.isnan(meter_a):
            sums.bms_h += dt_s / 3600
        else:
            sums.differences.append((current_a - meter_a) / self.type.capacity_ah)
        rate = used / self.type.capacity_ah
        mean_rate, self.rate = (rate + self.rate) / 2, rate
        u = np.clip((temperature_c + 40) / 2, 0, len(self.terms) - 1)
        gain, lag_s, ohm, exchange, slow_ohm, slow_s = (
            np.interp(u, np.arange(len(self.terms)), self.terms[:, k]) for k in range(6)
        )

        def towards(old: float, goal: float, times: float) -> float:
            return float(old * np.exp(-times) - goal * np.expm1(-times))

        self.slow = towards(self.slow, gain * mean_rate, dt_s / lag_s)
        self.fast = towards(self.fast, gain * d.fast_gain * mean_rate, dt_s / lag_s / d.fast_s)
        self.slow_v = towards(self.slow_v, slow_ohm * mean_rate, dt_s / slow_s)
        self.branch_rate = towards(self.branch_rate, mean_rate, dt_s / d.branch_s)
        self.travel_rate = towards(self.travel_rate, mean_rate, dt_s / 300)
        charge = mean_rate * dt_s / 3600
        sums.charge += charge
        sums.through += abs(charge)
        sums.travel += abs(self.travel_rate) * dt_s / 3600
        turned = d.branch_gain * self.branch_rate * dt_s / 3600
        keep = float(np.exp(-abs(turned)))
        sums.keep, sums.push = sums.keep * keep, keep * sums.push + np.sign(turned) * (1 - keep)
        sums.elapsed_s += dt_s
        self.age_s += dt_s
        thermal_v = 2 * 8.314462618 * (temperature_c + 273.15) / 96485.33212
        eta = float(ohm * rate + thermal_v * np.arcsinh(rate / exchange) + self.slow_v)
        share = max(dt_s, 0.1) / 120
        self.eta_mean = towards(self.eta_mean, eta, share)
        self.eta_swing = towards(self.eta_swing, abs(eta - self.eta_mean), share)
        for series, value in (
            (sums.voltages, voltage_v), (sums.etas, eta), (sums.lags, self.slow + self.fast),
            (sums.charges, sums.charge), (sums.temperatures, temperature_c),
        ):  # fmt: skip
            series.append(value)
        if sums.elapsed_s < self.trust.window_s:
            return False
        self._judge()
        self.sums = Sums()
        return True

    def _judge(self) -> None:
        t, sums = self.trust, self.sums
        warm = float(np.mean(sums.temperatures)) - 25
        keep_o = np.exp(-sums.travel / t.model_length - sums.elapsed_s / t.model_s)
        model_v2 = (t.model_sd_v * np.exp(max(-warm, 0) * t.model_cold_per_k)) ** 2
        f = np.eye(7)
        f[X, B], f[H, H], f[O, O] = -sums.bms_h, sums.keep, keep_o
        self.m = self.m @ f.T
        self.m[:, X] += sums.charge
        self.m[:, H] += sums.push
        self.p = f @ self.p @ f.T
        noise = np.zeros((len(self.m), 7))
        noise[:, X] = t.charge_wander**2 * sums.travel
        noise[:, H] = 0.05 * sums.through + 1e-6
        noise[:, S] = t.scale_wander**2 * sums.travel
        noise[:, C] = 1e-8 * sums.elapsed_s / 60
        noise[:, O] = (model_v2 + self.extra) * (1 - keep_o**2)
        noise[:, B] = t.bias_wander_c**2 * sums.elapsed_s / 3600
        self.p += noise[:, :, None] * np.eye(7)
        self._weigh(warm, model_v2, t.noise_v**2 + (t.swing_share * self.eta_swing) ** 2)
        if sums.differences:
            self._correct(np.eye(7)[B][None, :], np.mean(sums.differences) - self.m[:, B], t.meter_noise_c**2)
        self.log -= self.log.max()
        alive = self.log > ALIVE
        self.m, self.p, self.log, self.extra = self.m[alive], self.p[alive], self.log[alive], self.extra[alive]

    def _weigh(self, warm: float, model_v2: float, noise_v2: float) -> None:
        t, sums, m, p = self.trust, self.sums, self.m, self.p
        eta, lag = float(np.mean(sums.etas)), float(np.mean(sums.lags))
        x = m[:, X] + np.mean(sums.charges) - sums.charge
        d = m[:, Q] - x - self.dynamics.knee_lag * lag
        _, _, width = self._plateau(x + lag)

        def plateau(at: Array) -> Array:
            volts, entropy, half = self._plateau(at)
            return volts + warm * entropy + m[:, H] * half

        flat, slope_x, bent_x = straight(plateau, x + lag, p[:, X, X])
        top, slope_d, bent_d = straight(self._knee, d, p[:, X, X] + p[:, Q, Q] - 2 * p[:, X, Q])
        h = np.zeros_like(m)
        h[:, X], h[:, Q], h[:, H], h[:, S], h[:, C], h[:, O] = slope_x - slope_d, slope_d, width, eta, 1, 1
        innovation = np.mean(sums.voltages) - flat - top - m[:, S] * eta - m[:, C] - m[:, O]
        seen = np.maximum(np.einsum("ni,nij,nj->n", h, p, h) + noise_v2, noise_v2 / 2)
        variance = seen + bent_x + bent_d
        far = np.sqrt(innovation**2 / variance)
        out = far > t.huber
        evidence = -t.temper / 2 * (np.where(out, 2 * t.huber * far - t.huber**2, far**2) + np.log(seen))
        stretched = np.where(out, variance * far / t.huber, variance)
        self._correct(h, innovation, None, stretched)
        self.extra = (t.eta_sd * eta) ** 2 + (t.knee_sd * slope_d) ** 2 + (t.graphite_sd * slope_x) ** 2
        m = self.m
        over = m[:, H] - np.clip(m[:, H], -1.05, 1.05)
        share = over / np.maximum(self.p[:, H, H], 1e-6)
        m -= share[:, None] * self.p[:, :, H]
        evidence -= t.temper * share * over / 2
        m[:, S] = np.clip(m[:, S], 0.4, 1.6)
        m[:, C] = np.clip(m[:, C], -4 * t.level_sd_v, 4 * t.level_sd_v)
        most = 3.5 * np.sqrt(model_v2 + self.extra)
        m[:, O] = np.clip(m[:, O], -most, most)
        x, q = m[:, X], m[:, Q]
        for wrong in (-0.02 - x, x - q - 0.02, q - 1.06, 0.6 - q):
            evidence -= 100 * np.maximum(wrong, 0)
        self.log -= np.minimum(evidence.max() - evidence, t.most_evidence)

    def _correct(self, h: Array, innovation: Array, noise: float | None, variance: Array | None = None) -> None:
        ph = np.einsum("nij,nj->ni", self.p, np.broadcast_to(h, self.m.shape))
        if variance is None:
            variance = np.einsum("ni,ni->n", ph, np.broadcast_to(h, self.m.shape)) + (noise or 0.0)
        self.m = self.m + ph * (innovation / variance)[:, None]
        self.p = self.p - ph[:, :, None] * ph[:, None, :] / variance[:, None, None]

    def _plateau(self, at: Array) -> tuple[Array, Array, Array]:
        return (
            read(self.places, self.plateau[:, 0], at),
            read(self.places, self.plateau[:, 1], at),
            read(self.places, self.plateau[:, 2], at),
        )

    def _knee(self, at: Array) -> Array:
        return read(self.places, self.knee, at)

    def soc(self) -> tuple[float, float]:
        """Mean and standard deviation now, over all hypotheses of log weight above -8."""
        near = self.log > -8
        w, m, p = np.exp(self.log[near]), self.m[near], self.p[near]
        w /= w.sum()
        z = (m[:, X] + self.sums.charge) / m[:, Q]
        variance = (p[:, X, X] - 2 * z * p[:, X, Q] + z * z * p[:, Q, Q]) / m[:, Q] ** 2
        mean = float(w @ z)
        return mean, float(np.sqrt(w @ (np.maximum(variance, 1e-12) + (z - mean) ** 2)))


def straight(curve, at: Array, variance: Array) -> tuple[Array, Array, Array]:  # type: ignore[no-untyped-def]
    """Mean, slope and unexplained variance of a curve under a Gaussian, by three points."""
    reach = np.sqrt(3 * np.maximum(variance, 2.5e-7))
    low, mid, high = curve(at - reach), curve(at), curve(at + reach)
    mean = (low + 4 * mid + high) / 6
    slope = (high - low) / (2 * reach)
    left = (low**2 + 4 * mid**2 + high**2) / 6 - mean**2 - slope**2 * reach**2 / 3
    return mean, slope, np.maximum(left, 0)


def read(xs: Array, ys: Array, at: Array) -> Array:
    """Straight between knots and on beyond them."""
    inside = np.interp(at, xs, ys)
    step = xs[1] - xs[0]
    below, above = np.minimum(at - xs[0], 0), np.maximum(at - xs[-1], 0)
    return inside + below * (ys[1] - ys[0]) / step + above * (ys[-1] - ys[-2]) / step
