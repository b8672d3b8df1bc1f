"""The estimator once more, in NumPy and with whole matrices: written from docs/soc.md, not from the kernel's rooms.

It takes lost and wild voltages as the kernel does, but knows no lost, frozen or late currents.
"""

from __future__ import annotations

import numpy as np

from tests.soc_bank_reference import B, Bank, Q, Sums
from tests.soc_mixture import Said


class Reference(Bank):
    """Frame by frame, as the kernel's `Estimator`."""

    def step(self, dt_s: float, current_a: float, voltage_v: float, temperature_c: float, meter_a: float) -> bool:
        sums, d, self.temperature_c = self.sums, self.dynamics, temperature_c
        arrives = not np.isnan(meter_a) and not self.docked
        self.docked, self.received = self.docked or arrives, 0.0 if arrives else self.received
        used = current_a if np.isnan(meter_a) else meter_a
        if np.isnan(meter_a):
            sums.bms_h += dt_s / 3600
        else:
            sums.differences.append((current_a - meter_a) / self.type.capacity_ah)
        rate = used / self.type.capacity_ah
        mean_rate, change, self.rate = (rate + self.rate) / 2, abs(rate - self.rate), rate
        u = np.clip((temperature_c + 40) / 2, 0, len(self.terms) - 1)
        self.lag_gain, self.lag_s, ohm, exchange, slow_ohm, slow_s = (
            np.interp(u, np.arange(len(self.terms)), self.terms[:, k]) for k in range(6)
        )

        def towards(old: float, goal: float, times: float) -> float:
            return float(old * np.exp(-times) - goal * np.expm1(-times))

        self.slow = towards(self.slow, self.lag_gain * mean_rate, dt_s / self.lag_s)
        self.fast = towards(self.fast, self.lag_gain * d.fast_gain * mean_rate, dt_s / self.lag_s / d.fast_s)
        self.slow_v = towards(self.slow_v, slow_ohm * mean_rate, dt_s / slow_s)
        self.branch_rate = towards(self.branch_rate, mean_rate, dt_s / d.branch_s)
        self.travel_rate = towards(self.travel_rate, mean_rate, dt_s / 300)
        charge = mean_rate * dt_s / 3600
        self.received += charge if self.docked else 0.0
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
        if self._known(temperature_c) and self._believed(voltage_v, voltage_v - eta, dt_s, change):
            seen = (voltage_v, eta, self.slow + self.fast, sums.charge, temperature_c)
            for series, value in zip(sums.series(), seen, strict=True):
                series.append(value)
        if arrives and self.looks:
            self._spread(0.02)
        if sums.elapsed_s < self.trust.window_s:
            return False
        self.shown += sums.charge
        self._judge()
        self.looks += 1
        self._look_after()
        soc = float(np.clip(self.soc().sharpened(), -0.02, 1.02))
        self.shown = float(np.clip(soc, self.shown - 0.015, self.shown + 0.015)) if self.age_s > 600 else soc
        self.sums = Sums()
        return True

    def _look_after(self) -> None:
        if self._absurd():
            self.woken = self.looks
            self._keep(np.zeros(len(self.slot), dtype=bool))
            self._spread(1.0)
        elif self.innovation > 9 and self.sums.voltages and self.looks - self.woken > 60:
            self.woken = self.looks
            self._spread(0.1)
        elif self.looks % 12 == 0 and len(self.log) > 1 and self.soc().sd < 0.006 and self.state(Q).sd < 0.01:
            self._merge()

    def _known(self, temperature_c: float) -> bool:
        """Not colder than the terms reach."""
        return temperature_c >= self.type.terms.at_c[0] - 7

    def _believed(self, voltage_v: float, level_v: float, dt_s: float, change: float) -> bool:
        """In range, and no lone spike: three in a row are none."""
        if not 1.5 < voltage_v < 4.5:
            return False
        leap = abs(level_v - self.level) > 0.03 + 0.03 * change and dt_s < 30 and self.age_s > dt_s
        if leap and self.refused < 3:
            self.refused += 1
            return False
        self.level, self.refused = level_v, 0
        return True

    def doubted(self, said: Said, *, of_charge: bool) -> Said:
        """A lost capacity is known less well; one that a knee told may be smaller, by graphite: one in eight."""
        q = self.state(Q)
        lost = max(1 - q.mean, 0)
        vague = 0.005 + 0.1 * lost
        apart = np.abs(1 - said.means) * vague / q.mean if of_charge else np.full(len(said.means), vague)
        said = Said(said.w, said.means, np.sqrt(said.reach**2 + 5 * apart**2), said.health)
        if q.sd >= 0.03:
            return said
        less = min(0.01 + 1.3 * lost, max(q.mean - 0.72, 0.01))
        other = 1 - (1 - said.means) * q.mean / (q.mean - less) if of_charge else said.means - less
        return Said(
            np.r_[said.w * 7 / 8, said.w / 8], np.r_[said.means, other], np.r_[said.reach, said.reach],
            np.r_[said.health, np.full(len(other), 6)],
        )  # fmt: skip

    def arrival(self) -> tuple[float, ...]:
        """As the kernel's."""
        then = self.doubted(self.soc(self.received - self.sums.charge), of_charge=True)
        return (then.sharpened(), then.quantile(0.05), then.quantile(0.5), then.quantile(0.95))

    def answer(self) -> tuple[float, ...]:
        """As the kernel's `estimate`, without the reason."""
        now, q, b, ah = self.soc(-self.sums.charge), self.state(Q), self.state(B), self.type.capacity_ah
        sd, now, q = now.sd, self.doubted(now, of_charge=True), self.doubted(q, of_charge=False)
        soc = self.shown + self.sums.charge if self.looks else now.sharpened()
        quantiles = (now.quantile(chance) for chance in (0.05, 0.5, 0.95))
        soc, low, mid, high = (float(np.clip(value, -0.02, 1.02)) for value in (soc, *quantiles))
        capacity = (q.sharpened() * ah, q.quantile(0.05) * ah, q.quantile(0.95) * ah)
        return (soc, min(low, soc), mid, max(high, soc), sd, *capacity, b.mean * ah, b.sd * ah)
