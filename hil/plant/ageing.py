"""What changes slowly: the packs, looked at ten times a second of plant time, each tick while one of them wakes up."""

from __future__ import annotations

from collections.abc import Callable

from hil.plant.pack import Pack

SLOW_S = 0.1


class Ageing:
    """Lets time pass in packs. waking: whether the station waits for a BMS to wake up. pace: of cells (CellBlock)."""

    def __init__(self, seed: int, packs: Callable[[], list[Pack]], smokes: Callable[[Pack], None]) -> None:
        """packs: those that are here now. smokes: told of each whose smoke a detector over it would see."""
        self.waking, self.pace = False, 1.0
        self._seed, self._packs, self._smokes = seed, packs, smokes
        self._known: list[Pack] = []
        self._unseen_s = 0.0

    def tick(self, plant_s: float) -> bool:
        """Plant time passes; whether it is time for all that is slow."""
        self._unseen_s += plant_s
        return self._unseen_s >= SLOW_S - 1e-9

    def awaken(self, plant_s: float) -> float:
        """A coupler mates or parts in this tick: its pack must not have lived through the time before it (returned)."""
        before_s = self.age(self._unseen_s - plant_s)
        self._unseen_s, self.waking = plant_s, True
        return before_s

    def age(self, plant_s: float | None = None) -> float:
        """All packs catch up (with this much of it); how much it was for their cells."""
        passed_s, self._unseen_s = self._unseen_s if plant_s is None else plant_s, 0.0
        packs = self._packs()
        if packs != self._known:
            self._meet(packs)
        waking = False
        for pack in packs:
            pack.pace = self.pace
            pack.advance(passed_s)
            waking = waking or pack.waking
            if pack.runaway is not None and pack.runaway.detectable:
                self._smokes(pack)
        self.waking = waking
        return passed_s * self.pace

    def _meet(self, packs: list[Pack]) -> None:
        for pack in packs:
            if pack not in self._known:
                pack.seed(self._seed)
        self._known = packs
