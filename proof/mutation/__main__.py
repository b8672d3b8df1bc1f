"""`make mutation`: no change of a kernel's source goes unnoticed by its tests. Exit 1 if one does."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial

from proof.child import warm
from proof.kernels import BUILD, Kernel, kernels
from proof.mutation.campaign import Fate, Unsound, campaign
from proof.mutation.operators import FAMILIES
from proof.mutation.report import differences, survivor, table
from proof.say import say


def main() -> int:
    """Mutate the kernels that are named, or all that decide about people and packs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernel", nargs="*", help="which kernels (all that decide)")
    parser.add_argument("--at-least", type=int, default=0, help="how many mutants there have to be")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    began_s, fates, lost = time.monotonic(), list[Fate](), 0
    warm()
    for kernel in (kernel for kernel in kernels(args.kernel) if kernel.decides or args.kernel):
        try:
            found = campaign(kernel, BUILD / "mutation", args.processes, partial(_tell, kernel))
        except Unsound as error:
            say(str(error))
            return 1
        report = BUILD / "mutation" / f"{kernel.name}.diff"
        report.write_text("\n".join(differences(kernel, found)) + "\n", encoding="utf-8")
        left = sum(not fate.killed for fate in found)
        say(f"{kernel.source.name}: {len(found)} mutants, {left} survivors; {report}")
        fates, lost = fates + found, lost + left
    say(*table(fates), f"{time.monotonic() - began_s:.0f} s")
    missing = [family for family in FAMILIES if not args.kernel and all(f.mutant.family != family for f in fates)]
    few = len(fates) < args.at_least
    if few or missing:
        say(f"too few mutants: {len(fates)} of {args.at_least}, none of {missing}")
    return int(bool(lost or few or missing))


def _tell(kernel: Kernel, fate: Fate) -> None:
    if fate.mutant.number and not fate.killed:
        say(survivor(kernel, fate))


if __name__ == "__main__":
    sys.exit(main())
