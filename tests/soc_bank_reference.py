"""The bank of the estimator's NumPy form: hypotheses that are spread, carried on, weighed and merged.

It takes lost and wild voltages as the kernel does, but knows no lost, frozen or late currents.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from station_ctl.soc import curves
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.type_sections import Health
from tests.soc_mixture import Said, read, straight

Array = NDArray[np.float64]
X, Q, H, S, G, C, O, B = range(8)  # noqa: E741
CHARGES, ALIVE, NEAR = 31, -18.37, -8


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

    def series(self) -> tuple[list[float], ...]:
        """What is averaged over the frames with a voltage."""
        return self.voltages, self.etas, self.lags, self.charges, self.temperatures


class Bank:
    def __init__(self, cell_type: CellType) -> None:
        self.type, self.trust, self.dynamics = cell_type, cell_type.trust, cell_type.dynamics
        plateau, knee = curves.tables(cell_type)
        self.plateau, self.knee = np.array(plateau), np.array(knee)
        self.terms = np.array(curves.terms(cell_type.terms))
        self.places = curves.FIRST + curves.STEP * np.arange(len(knee))
        self.rate = self.slow = self.fast = self.slow_v = self.branch_rate = self.travel_rate = 0.0
        self.eta_mean = self.eta_swing = self.age_s = 0.0
        self.temperature_c = 25.0
        self.lag_gain = self.lag_s = 0.0
        self.sums = Sums()
        self.docked = False
        self.received = self.shown = 0.0
        self.looks = self.woken = self.refused = 0
        self.level = self.innovation = 0.0
        self.slot = np.zeros(0, dtype=int)
        self.m, self.p = np.zeros((0, 8)), np.zeros((0, 8, 8))
        self.log, self.extra = np.zeros(0), np.zeros(0)
        self._spread(1.0)

    def _spread(self, share: float) -> None:
        """Every charge, in places that are free."""
        step = 1 / (CHARGES - 1)
        self.anew = True
        for j, health in enumerate(self.type.health):
            places = health.capacity / step + 1
            free = [k for k in range(CHARGES) if k < places and j * CHARGES + k not in self.slot]
            mean, variance = self._place(health, np.array(free) * step, 0.65 * step)
            self._add(j, free, mean, variance, np.full(len(free), np.log(share * health.weight / places)))
        self._keep(np.argsort(self.slot))
        self.log -= self.log.max()

    def start(self, soc: float, sd: float, doubt: float = 0.005) -> None:
        """Charges about soc, at multiples of one step for every health; any with the weight of the doubt."""
        step, which = 10 * sd / (CHARGES - 1), np.arange(0, CHARGES, 2)
        self._keep(np.zeros(len(self.slot), dtype=bool))
        self.anew = True
        self.woken = self.looks - 61
        for j, health in enumerate(self.type.health):
            places = (np.floor(soc * health.capacity / step + 0.5) + which // 2 - CHARGES // 4) * step
            here = places / health.capacity
            mean, variance = self._place(health, places, 0.65 * step)
            variance[:, X, X] += (here * health.sd) ** 2
            variance[:, X, Q] = variance[:, Q, X] = here * health.sd**2
            weight = np.exp(-(((here - soc) / sd) ** 2) / 2)
            self._add(j, which.tolist(), mean, variance, np.log(health.weight * weight / weight.sum()))
        self._spread(doubt)
        self._keep(self.log > ALIVE)

    def _place(self, health: Health, charges: Array, sd: float) -> tuple[Array, Array]:
        """Means and covariances before any voltage."""
        t, grown = self.trust, self.trust.scale_aged * (1 - health.graphite)
        mean, variance = np.zeros((len(charges), 8)), np.zeros((len(charges), 8, 8))
        mean[:, X], mean[:, Q], mean[:, S], mean[:, G] = charges, health.capacity, 1 + grown, health.graphite
        for state, value in {
            X: sd**2, Q: health.sd**2, H: t.branch_sd**2, S: t.scale_sd**2 + grown**2,
            G: health.graphite_sd**2, C: t.level_sd_v**2, O: 2 * t.model_sd_v**2, B: t.bias_sd_c**2,
        }.items():  # fmt: skip
            variance[:, state, state] = value
        return mean, variance

    def _add(self, j: int, which: list[int], mean: Array, variance: Array, log: Array) -> None:
        """Hypotheses of this health, at these of its places."""
        self.slot = np.r_[self.slot, j * CHARGES + np.array(which, dtype=int)]
        self.m, self.p = np.r_[self.m, mean], np.r_[self.p, variance]
        self.log, self.extra = np.r_[self.log, log], np.r_[self.extra, np.zeros(len(which))]

    def _keep(self, which: Array) -> None:
        self.slot, self.m, self.p = self.slot[which], self.m[which], self.p[which]
        self.log, self.extra = self.log[which], self.extra[which]

    def _absurd(self) -> bool:
        """What fits best is beyond what a pack can be."""
        weights = np.exp(self.log)
        return bool(weights @ self._outside(blind=not self.sums.voltages) > 0.03 * weights.sum())

    def _merge(self) -> None:
        """All as one, by their moments."""
        w = np.exp(self.log) / np.exp(self.log).sum()
        mean = w @ self.m
        apart = self.m - mean
        self.p = np.einsum("n,nij->ij", w, self.p + apart[:, :, None] * apart[:, None, :])[None]
        self.m, self.extra = mean[None], np.array([w @ self.extra])
        self.slot, self.log = np.zeros(1, dtype=int), np.zeros(1)

    def _judge(self) -> None:
        t, sums = self.trust, self.sums
        warm = (float(np.mean(sums.temperatures)) if sums.voltages else self.temperature_c) - 25
        keep_o = np.exp(-sums.travel / t.model_length - sums.elapsed_s / t.model_s)
        if self.age_s - sums.elapsed_s < 2 * self.lag_s:
            keep_o *= np.exp(-sums.elapsed_s / self.lag_s)
        model_v2 = (t.model_sd_v * np.exp(max(-warm, 0) * t.model_cold_per_k)) ** 2
        f = np.eye(8)
        f[X, B], f[H, H], f[O, O] = -sums.bms_h, sums.keep, keep_o
        self.m = self.m @ f.T
        self.m[:, X] += sums.charge
        self.m[:, H] += sums.push
        self.p = f @ self.p @ f.T
        noise = np.zeros((len(self.m), 8))
        noise[:, X] = t.charge_wander**2 * sums.travel
        noise[:, H] = 0.05 * sums.through + 1e-6
        noise[:, S] = t.scale_wander**2 * sums.travel
        noise[:, C] = 1e-8 * sums.elapsed_s / 60
        noise[:, O] = (model_v2 + self.extra) * (1 - keep_o**2)
        noise[:, B] = t.bias_wander_c**2 * sums.elapsed_s / 3600
        self.p += noise[:, :, None] * np.eye(8)
        if sums.voltages:
            self._hear(self._weigh(warm, model_v2, t.noise_v**2 + (t.swing_share * self.eta_swing) ** 2))
        else:
            self._hear(-100 * self._outside(blind=True))
        if sums.differences:
            self._correct(np.eye(8)[B][None, :], np.mean(sums.differences) - self.m[:, B], t.meter_noise_c**2)
        self.log -= self.log.max()
        self._keep(self.log > ALIVE)

    def _hear(self, evidence: Array) -> None:
        self.log -= np.minimum(evidence.max() - evidence, self.trust.most_evidence)

    def _weigh(self, warm: float, model_v2: float, noise_v2: float) -> Array:
        t, sums, m, p = self.trust, self.sums, self.m, self.p
        eta, lag = float(np.mean(sums.etas)), float(np.mean(sums.lags))
        x = m[:, X] + np.mean(sums.charges) - sums.charge
        d = m[:, Q] - x - self.dynamics.knee_lag * lag
        g = m[:, G]
        u = (x + lag) / g
        _, _, width = self._plateau(u)

        def plateau(at: Array) -> Array:
            volts, entropy, half = self._plateau(at)
            return volts + warm * entropy + m[:, H] * half

        flat, slope_u, bent_x = straight(
            plateau, u, (p[:, X, X] - 2 * u * p[:, X, G] + u * u * p[:, G, G]) / g**2, 2.5e-7 / g**2
        )
        top, slope_d, bent_d = straight(self._knee, d, p[:, X, X] + p[:, Q, Q] - 2 * p[:, X, Q], most=0.02)
        h = np.zeros_like(m)
        h[:, X], h[:, Q], h[:, H], h[:, S], h[:, C], h[:, O] = slope_u / g - slope_d, slope_d, width, eta, 1, 1
        h[:, G] = -slope_u * u / g
        innovation = np.mean(sums.voltages) - flat - top - m[:, S] * eta - m[:, C] - m[:, O]
        unseen_v2 = (t.past_c * self.lag_gain * np.exp(-self.age_s / self.lag_s) * slope_u) ** 2
        p[:, O, O] += unseen_v2 if self.anew else 0.0
        seen = np.maximum(np.einsum("ni,nij,nj->n", h, p, h) + noise_v2, noise_v2 / 2)
        variance = seen + bent_x + bent_d + (self._past() * slope_u) ** 2
        far = np.sqrt(innovation**2 / variance)
        fresh = 1.0 if self.anew else max(1 - np.exp(-sums.through / t.fresh_charge), t.rest_share)
        self.anew = False
        out = far > t.huber
        weights = np.exp(self.log)
        self.innovation += 0.1 * (weights @ far**2 / weights.sum() - self.innovation)
        evidence = -t.temper / 2 * (np.where(out, 2 * t.huber * far - t.huber**2, far**2) + fresh * np.log(seen))
        stretched = np.where(out, variance * far / t.huber, variance)
        self._correct(h, innovation, None, stretched)
        self.extra = (t.eta_sd * eta) ** 2 + (t.knee_sd * slope_d) ** 2 + (t.graphite_sd * slope_u) ** 2
        m = self.m
        over = m[:, H] - np.clip(m[:, H], -1.05, 1.05)
        share = over / np.maximum(self.p[:, H, H], 1e-6)
        m -= share[:, None] * self.p[:, :, H]
        evidence -= t.temper * share * over / 2
        m[:, S] = np.clip(m[:, S], 0.4, 2.5)
        m[:, C] = np.clip(m[:, C], -4 * t.level_sd_v, 4 * t.level_sd_v)
        most = 3.5 * np.sqrt(model_v2 + self.extra + unseen_v2)
        m[:, O] = np.clip(m[:, O], -most, most)
        weighed: Array = evidence - 100 * self._outside(blind=False)
        return weighed

    def _outside(self, *, blind: bool) -> Array:
        """How far each is from anything a pack can be; without a voltage its charge may be its sd off."""
        most = 0.02 + (np.sqrt(np.maximum(self.p[:, X, X], 0)) if blind else 0)
        x, q, g = self.m[:, X], self.m[:, Q], self.m[:, G]
        beyond: Array = sum(
            np.maximum(wrong, 0) for wrong in (-most - x, x - q - most, q - 1.06, 0.6 - q, g - 1.02, 0.6 - g)
        )
        return beyond

    def _past(self) -> float:
        """What may be left of the lag of a current before the first frame."""
        rate = abs(self.travel_rate) / (1 - np.exp(-max(self.age_s, 1) / 300))
        share = self.trust.past_share * (1 + self.dynamics.fast_gain) * np.exp(-self.age_s / self.lag_s)
        return float(self.lag_gain * rate * share)

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

    def soc(self, less: float = 0.0) -> Said:
        """The charge, `less` ago; at the end of the window that runs."""
        m, p = self.m, self.p
        z = (m[:, X] - less) / m[:, Q]
        return self._said(z, (p[:, X, X] - 2 * z * p[:, X, Q] + z * z * p[:, Q, Q]) / m[:, Q] ** 2)

    def state(self, which: int) -> Said:
        """One of the eight."""
        return self._said(self.m[:, which], self.p[:, which, which])

    def _said(self, mean: Array, variance: Array) -> Said:
        near = self.log > NEAR
        w = np.exp(self.log[near])
        return Said(w / w.sum(), mean[near], np.sqrt(5 * np.maximum(variance[near], 1e-12)), self.slot[near] // CHARGES)
