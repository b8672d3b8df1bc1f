"""What is told of a campaign: a table on the screen, every mutant as a difference in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proof.kernels import ROOT, Kernel
from proof.mutation.campaign import Fate
from proof.mutation.operators import FAMILIES


def table(fates: Sequence[Fate]) -> Iterable[str]:
    """Lines: made, applied and killed of each family."""
    yield f"{'family':<18}{'made':>7}{'applied':>9}{'killed':>8}"
    for family in FAMILIES:
        yield _line(family, [fate for fate in fates if fate.mutant.family == family])
    yield _line("all", fates)


def _line(name: str, fates: Sequence[Fate]) -> str:
    applied, killed = sum(fate.reached for fate in fates), sum(fate.killed for fate in fates)
    return f"{name:<18}{len(fates):>7}{applied:>9}{killed:>8}"


def survivor(kernel: Kernel, fate: Fate) -> str:
    """A line: a mutant that no test noticed, where and what."""
    why = "survived" if fate.reached else "never applied"
    return f"{why}: {_where(kernel, fate)}: {fate.mutant.before}  ->  {fate.mutant.after}"


def differences(kernel: Kernel, fates: Sequence[Fate]) -> Iterable[str]:
    """Lines of a file with every mutant as a difference and how it ended."""
    source = kernel.source.read_text("utf-8").splitlines()
    for fate in fates:
        mutant = fate.mutant
        yield f"@@ {_where(kernel, fate)} #{mutant.number} @@ {source[mutant.line - 1].strip()}"
        yield f"-{mutant.before}"
        yield f"+{mutant.after}"
        yield f"# {'applied' if fate.reached else 'never applied'}; {fate.ended or 'no test failed'}"


def _where(kernel: Kernel, fate: Fate) -> str:
    mutant = fate.mutant
    return f"{kernel.source.relative_to(ROOT)}:{mutant.line}:{mutant.column + 1} [{mutant.family}]"
