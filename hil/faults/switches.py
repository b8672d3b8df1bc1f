"""Which faults are switched on at one place, and the chance that they come true."""

from __future__ import annotations

import random
from collections import Counter
from typing import Generic, TypeVar, cast

from hil.faults.model import FaultModel

F = TypeVar("F", bound=FaultModel)
M = TypeVar("M", bound=FaultModel)


class Switches(Generic[F]):
    """Faults that are on, one of a kind. How long one lasts is its caller's to watch: there is no clock in here.

    active:   False: nothing is wrong here and the short way may be taken.
    counters: what was done to what passed.
    """

    def __init__(self, seed: int | str) -> None:
        self.active = False
        self.counters: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._on: dict[type[FaultModel], F] = {}
        self._left: dict[type[FaultModel], int] = {}

    def set(self, fault: F) -> None:
        """Switch a fault on, in place of one of the same kind."""
        self._on[type(fault)] = fault
        count = getattr(fault, "count", None)
        if count is None:
            self._left.pop(type(fault), None)
        else:
            self._left[type(fault)] = count
        self._changed(type(fault))

    def clear(self, kind: str | None = None) -> None:
        """Switch the faults of a kind off; None: all of them. One that is not on is no error."""
        for model in [m for m, fault in self._on.items() if kind is None or fault.kind == kind]:
            self._off(model)

    def on(self, model: type[M]) -> M | None:
        """The fault of this kind, if it is on."""
        return cast("M | None", self._on.get(model))

    def is_on(self, fault: F) -> bool:
        """Whether it is this very fault that is on, not another of its kind."""
        return self._on.get(type(fault)) is fault

    def _off(self, model: type[FaultModel]) -> None:
        self._on.pop(model, None)
        self._left.pop(model, None)
        self._changed(model)

    def _changed(self, model: type[FaultModel]) -> None:
        """A fault of this kind was switched on or off."""
        del model
        self.active = bool(self._on)

    def _spent(self, model: type[FaultModel]) -> None:
        """One hit of a fault that may have a count; the last one switches it off."""
        if model in self._left:
            self._left[model] -= 1
            if self._left[model] == 0:
                self._off(model)

    def _chance(self, rate: float) -> bool:
        """True with this chance; nothing is drawn where there is nothing to decide."""
        return rate > 0 and (rate >= 1 or self._rng.random() < rate)
