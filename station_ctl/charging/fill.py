"""Weighted max-min shares of one amount: water filling. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Wish(NamedTuple):
    """What somebody could use at most, and how urgent that is: a share grows with its weight (> 0) up to its most."""

    most: float
    weight: float


def fill(wishes: Mapping[int, Wish], amount: float) -> dict[int, float]:
    """Share out `amount`: nobody gets more than his most, and all others the same multiple of their weight.

    Nobody's share could grow without one with an equal or smaller share per weight shrinking (weighted max-min
    fairness; Bertsekas, Gallager: Data Networks, 6.5.2). All of the amount is given, or all of the wishes. Raises
    ValueError for a wish that is not finite and at least 0, or a weight that is not above 0.
    """
    for number, wish in wishes.items():
        if not (0.0 <= wish.most < math.inf and 0.0 < wish.weight < math.inf):
            raise ValueError(f"wish {number}: {wish}")
    left, weights = max(amount, 0.0), math.fsum(wish.weight for wish in wishes.values())
    found: dict[int, float] = {}
    for number, wish in sorted(wishes.items(), key=lambda item: (item[1].most / item[1].weight, item[0])):
        found[number] = share = min(wish.most, left * min(wish.weight / weights, 1.0))
        left, weights = max(left - share, 0.0), max(weights - wish.weight, wish.weight * 1e-12)
    return found
