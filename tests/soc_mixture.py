"""Parts of the estimator's NumPy form: what a mixture says, curves read and straightened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """A mixture of parabolas: weights, means, half widths (sqrt(5) sd) and which health each is of."""

    w: Array
    means: Array
    reach: Array
    health: NDArray[np.int64]

    @property
    def mean(self) -> float:
        return float(self.w @ self.means)

    @property
    def sd(self) -> float:
        return float(np.sqrt(self.w @ (self.reach**2 / 5 + (self.means - self.mean) ** 2)))

    def quantile(self, chance: float) -> float:
        """By halving, 15 times, as the kernel's, then straight."""
        low, high = float((self.means - self.reach).min()), float((self.means + self.reach).max())
        below_low, below_high = 0.0, 1.0
        for _ in range(15):
            mid = (low + high) / 2
            u = np.clip((mid - self.means) / self.reach, -1, 1)
            below = float(self.w @ (2 + 3 * u - u**3) / 4)
            if below < chance:
                low, below_low = mid, below
            else:
                high, below_high = mid, below
        return low + (high - low) * (chance - below_low) / (below_high - below_low)

    def sharpened(self) -> float:
        """The mean, each weight multiplied by its health's, twice."""
        shares = np.bincount(self.health, self.w, minlength=7)
        shares[6] = 0  # what is only a doubt
        w = self.w * shares[self.health] ** 2
        return float(w @ self.means / w.sum())


def straight(  # type: ignore[no-untyped-def]
    curve, at: Array, variance: Array, least: Array | float = 2.5e-7, most: float = np.inf
) -> tuple[Array, Array, Array]:
    """Mean, slope and unexplained variance of a curve under a Gaussian, by three points, `most` apart at most."""
    reach = np.minimum(np.sqrt(3 * np.maximum(variance, least)), most)
    low, mid, high = curve(at - reach), curve(at), curve(at + reach)
    below, above = low - mid, high - mid
    apart = (below + above) / 6
    slope = (high - low) / (2 * reach)
    left = (below**2 + above**2) / 6 - apart**2 - slope**2 * reach**2 / 3
    return mid + apart, slope, np.maximum(left, 0)


def read(xs: Array, ys: Array, at: Array) -> Array:
    """Straight between knots and on beyond them."""
    inside = np.interp(at, xs, ys)
    step = xs[1] - xs[0]
    below, above = np.minimum(at - xs[0], 0), np.maximum(at - xs[-1], 0)
    return inside + below * (ys[1] - ys[0]) / step + above * (ys[-1] - ys[-2]) / step
