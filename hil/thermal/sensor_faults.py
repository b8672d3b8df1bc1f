"""Broken sensors of one pack, as they bend what the station hears of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Faults:
    """Broken sensors of one pack. A probe among many: what it shows counts only where it is the hottest or coldest."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.kinds: dict[str, Callable[[Array], None]] = {
            name.removeprefix("_do_"): getattr(self, name) for name in dir(self) if name.startswith("_do_")
        }

    def _from(self, rows: Array) -> int:
        return int(self._rng.integers(0, len(rows)))

    def _probe(self, rows: Array, shown_c: Array | float) -> None:
        """What one broken probe shows beside the sound ones; out of the byte's range it is not to be believed."""
        np.maximum(rows["hot"], shown_c, out=rows["hot"])
        np.minimum(rows["cold"], shown_c, out=rows["cold"])
        for name in ("hot", "cold"):
            rows[name][(rows[name] < -50) | (rows[name] > 200)] = np.nan

    def _levels(self, count: int, width: float) -> Array:
        """A contact that comes and goes: another value each time, held for 0.5 s to a minute and a half on average."""
        held_s = self._rng.exponential(10 ** self._rng.uniform(-0.3, 1.95), count // 2 + 16)
        values = self._rng.uniform(-width, width, len(held_s))
        index = np.minimum(np.searchsorted(np.cumsum(held_s), np.arange(count)), len(values) - 1)
        return values[index]

    def _do_jump(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        self._probe(part, float(self._rng.choice((215.0, 200.0, -50.0, self._rng.uniform(-50, 200)))))

    def _do_stuck(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        self._probe(part, float(part["hot"][0]))

    def _do_noisy(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        self._probe(part, part["hot"] + self._rng.normal(0, 10 ** self._rng.uniform(0, 1.5), len(part)))

    def _do_loose(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        self._probe(part, part["hot"] + self._levels(len(part), 10 ** self._rng.uniform(0.2, 1.8)))

    def _do_drift(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        rate_k_s = self._rng.choice((-1, 1)) * 10 ** self._rng.uniform(-2, -0.3) / 60
        self._probe(part, part["hot"] + rate_k_s * np.arange(len(part)))

    def _do_spikes(self, rows: Array) -> None:
        hit = self._rng.random(len(rows)) < 10 ** self._rng.uniform(-4, -0.7)
        part = rows[hit]
        self._probe(part, part["hot"] + self._rng.uniform(-150, 150, len(part)))
        rows[hit] = part

    def _do_all_probes(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        shift = self._rng.uniform(-60, 160)
        part["hot"] += shift
        part["cold"] += shift

    def _do_sense_wire(self, rows: Array) -> None:
        part = rows[self._from(rows) :]
        part["low"] *= np.where(self._levels(len(part), 1.0) > 0, self._rng.uniform(0, 0.7), 1.0)

    def _do_slave_board(self, rows: Array) -> None:
        """Temperatures and cell voltages of one board at once, for good or by turns."""
        part = rows[self._from(rows) :]
        gone = self._levels(len(part), 1.0) > self._rng.choice((-1.0, 0.0, 0.5))
        shown = np.where(gone, self._rng.uniform(-50, 200), part["hot"])
        self._probe(part, shown)
        part["low"] *= np.where(gone, 0.0, 1.0)

    def _do_mute(self, rows: Array) -> None:
        begin = self._from(rows)
        part = rows[begin : begin + int(10 ** self._rng.uniform(0.5, 3.6))]
        for name in ("hot", "cold", "low", "mid"):
            part[name] = np.nan

    def _do_no_lists(self, rows: Array) -> None:
        rows["low"] = np.nan

    def _do_lossy(self, rows: Array) -> None:
        lost = self._rng.random(len(rows)) < self._rng.uniform(0.05, 0.9)
        for name in ("hot", "cold", "low", "mid"):
            rows[name][lost] = np.nan

    def _do_smoke_contact(self, rows: Array) -> None:
        rows["smoke"][self._rng.random(len(rows)) < 0.01] = 1
        rows["smoke"][1:][rows["smoke"][:-1] == 1] = 0  # pulses, not an alarm
