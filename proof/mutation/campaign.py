"""All mutants of one kernel, each in a process of its own, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

from proof.child import Child, collected, finish_one, run_tests, start, substitute
from proof.kernels import Kernel
from proof.mutation.operators import Mutant
from proof.mutation.schema import HELPER, Schema
from proof.tree import Helper, Node, build, file_of


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant. reached: the changed source was run. ended: how the tests noticed, or ""."""

    mutant: Mutant
    reached: bool
    ended: str

    @property
    def killed(self) -> bool:
        """A change that no test reached is not killed, however the tests ended."""
        return self.reached and bool(self.ended)


class Unsound(Exception):
    """The tests fail without any mutant: nothing they say of a mutant counts."""


def campaign(kernel: Kernel, folder: Path, processes: int, told: Callable[[Fate], None]) -> list[Fate]:
    """Build the schema and try every mutant. Raises Unsound if the tests fail with no mutant on, before or after.

    What acts at import is tried in processes that import the kernel anew; all others in copies of this process, which
    has imported the kernel and collected the tests once. told: called with each mutant's fate as it is known.
    """
    schema = Schema(len(kernel.source.read_text("utf-8").splitlines()))

    def edit(body: Node) -> None:
        """The kernel's own source; its rooms stay as they are."""
        if file_of(body) == kernel.source.name:
            schema.edit(body)

    file = build(kernel, Helper(HELPER), edit, folder, ("-O0",))
    fates: list[Fate] = []

    def try_all(work: Work, at_import: bool) -> None:
        mutants = [mutant for mutant in schema.mutants if mutant.at_import == at_import]
        for fate in _each([_sound(), *mutants, _sound()], work, processes):
            told(fate)
            fates.append(fate)

    try_all(_importing(kernel, file), at_import=True)
    module = substitute(kernel, file)
    if collected(kernel, lambda run: try_all(_switching(module, run), at_import=False)):
        raise Unsound(f"{kernel.name}: its tests could not be collected, or end before all mutants were tried")
    return sorted(_judged(kernel, fates, len(schema.mutants)), key=lambda fate: fate.mutant.number)


def _sound() -> Mutant:
    """No mutant at all."""
    return Mutant(0, "", 0, 0, "", "", False)


def _judged(kernel: Kernel, fates: list[Fate], made: int) -> list[Fate]:
    """The fates of the mutants, if every run without a mutant passed."""
    sound = [fate for fate in fates if not fate.mutant.number]
    if any(fate.ended or fate.reached for fate in sound) or len(fates) - len(sound) != made:
        raise Unsound(f"{kernel.name}: the tests fail though nothing is changed: {[fate.ended for fate in sound]}")
    return [fate for fate in fates if fate.mutant.number]


Work = Callable[[Mutant, int], int]
"""What a process does with a mutant, and with the pipe on which it is marked as reached."""


def _importing(kernel: Kernel, file: Path) -> Work:
    def work(mutant: Mutant, mark: int) -> int:
        substitute(kernel, file)
        return run_tests(kernel)

    return work


def _switching(module: ModuleType, run: Callable[[], int]) -> Work:
    def work(mutant: Mutant, mark: int) -> int:
        module.proof_choose(mutant.number, mark)
        return run()

    return work


def _each(mutants: list[Mutant], work: Work, processes: int) -> Iterator[Fate]:
    """Every mutant, `processes` at a time, in the order in which they end."""
    running: dict[Child, Mutant] = {}
    for mutant in mutants:
        if len(running) == processes:
            yield Fate(*finish_one(running))
        running[start(partial(work, mutant), mutant.number)] = mutant
    while running:
        yield Fate(*finish_one(running))
