"""Which combinations are walked for a class of motion, cut into parts that can run side by side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from proof.exhaustive.choices import Choices, Options
from proof.oracle.document import Document

FEW_INPUTS = 9
"""Up to so many discrete inputs each goes through all five readings; more of them are walked as safe and not safe."""


class Part(NamedTuple):
    """Some combinations: for each input how it varies. `only`: which option of each of the first inputs."""

    moving: str
    vary: tuple[tuple[str, str], ...]
    only: tuple[int, ...] = ()

    def options(self, choices: Choices) -> list[Options]:
        """The options of each input."""
        found: list[Options] = [getattr(choices, how)(name) for name, how in self.vary]
        for i, number in enumerate(self.only):
            found[i] = [found[i][number]]
        return found


def parts(document: Document, moving: str) -> Iterator[Part]:
    """Every combination of the discrete inputs; every number of each pair of analogue ones; the turns of all."""
    bearing = dict.fromkeys(c.input for c in document.causes if moving in c.classes)
    discrete = [name for name in bearing if not document.inputs[name].analogue]
    analogue = [name for name in bearing if document.inputs[name].analogue]
    how = "five" if len(discrete) <= FEW_INPUTS else "two"
    vary = tuple((name, how) for name in discrete)
    sizes = 5 if how == "five" else 2
    for first in range(sizes):
        for second in range(sizes):
            yield Part(moving, vary, (first, second))
    for pair in combinations(analogue, 2) if len(analogue) > 1 else [tuple(analogue)]:
        yield Part(moving, tuple((name, "all") for name in pair))
    if len(analogue) > 2:
        yield Part(moving, tuple((name, "few") for name in analogue))
