"""The walk over all combinations, and the comparison at each."""

from __future__ import annotations

from typing import Protocol

from proof.exhaustive.choices import Choice, Options
from proof.oracle.rules import BOOTED, NOTHING, OPEN, Effect, Latch, Oracle, together

Memory = tuple[bool, bool, int, int, int, int, tuple[int, ...]]
"""Latched, reset line before, tripped, first-out, category, beyond, subjects."""


class Kernel(Protocol):
    """What is compared with the oracle."""

    def judge(self, block: bytes, moving: int, reset: bool) -> tuple[int, int, bool, int, int, int]:
        """One cycle."""

    def may_start(self, block: bytes) -> tuple[int, int]:
        """What may be started."""

    def dump(self) -> Memory:
        """What is remembered."""

    def load(self, memory: Memory) -> None:
        """Remember that."""


class Disagreement(Exception):
    """Kernel and oracle answer differently; the message spells out the inputs."""


class Walk:
    """Compares kernel and oracle at every combination of some options.

    moving: bit of the class of motion under way. safe: a block with nothing wrong. numbers: numbers vary, so hysteresis
    is set before each combination and compared afterwards. compared: how many answers have been compared.
    """

    def __init__(self, kernel: Kernel, oracle: Oracle, moving: int, safe: bytes, numbers: bool) -> None:
        self._kernel, self._oracle, self._moving = kernel, oracle, moving
        self._safe, self._block, self._numbers = safe, bytearray(safe), numbers
        self._subjects = kernel.dump()[6]
        self._chosen: list[Choice] = []
        self.compared = 0

    def over(self, options: list[Options], effect: Effect = NOTHING, before: int = 0, after: int = 0) -> None:
        """All combinations, as a tree: what an input does is added once for all combinations below it."""
        if not options:
            self._compare(effect, before, after)
            return
        block, rest, chosen = self._block, options[1:], self._chosen
        for option in options[0]:
            choice = next(option)
            for place, data in choice.writes:
                block[place] = data
            chosen.append(choice)
            self.over(rest, together(effect, choice.effect), before | choice.before, after | choice.after)
            chosen.pop()

    def _compare(self, effect: Effect, before: int, after: int) -> None:
        """To start, at rest and in motion, from an open latch; in motion with a reset, to start, from a boot."""
        block, kernel, oracle = bytes(self._block), self._kernel, self._oracle
        self._load(BOOTED, before)
        expected = oracle.judge(effect, BOOTED, True, True)
        self._same("reset in motion after boot", expected, kernel.judge(block, self._moving, True))
        self._same("start after that", oracle.may_start(effect, expected[2:]), kernel.may_start(block))
        self._open(before)
        self._same("start", oracle.may_start(effect, OPEN), kernel.may_start(block))
        expected = oracle.judge(effect, OPEN, False, False)
        self._same("at rest", expected, kernel.judge(block, 0, False))
        expected = oracle.judge(effect, expected[2:], True, False)
        self._same("in motion after that", expected, kernel.judge(block, self._moving, False))
        if self._numbers:
            self._same("remembered after that", after, kernel.dump()[5])

    def _load(self, latch: Latch, before: int) -> None:
        latched, category, first, tripped = latch
        self._kernel.load((latched, False, tripped, first, category, before, self._subjects))

    def _open(self, before: int) -> None:
        """The latch open: with a memory where there is one to set, else as a person opens it, which takes less time."""
        if self._numbers:
            self._load(OPEN, before)
        else:
            self._kernel.judge(self._safe, 0, False)
            self._kernel.judge(self._safe, 0, True)

    def _same(self, what: str, oracle: object, kernel: object) -> None:
        self.compared += 1
        if oracle != kernel:
            inputs = "\n  ".join(choice.said for choice in self._chosen)
            raise Disagreement(f"{what}: the oracle says {oracle}, the kernel {kernel}; all else safe:\n  {inputs}")
