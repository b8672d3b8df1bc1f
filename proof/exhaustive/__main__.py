"""`make proof`: the compiled interlock answers as the document says, at every combination. Exit 1 where it does not."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter

from proof.exhaustive.choices import Choices, Layout
from proof.exhaustive.plan import Part, parts
from proof.exhaustive.walk import Disagreement, Kernel, Walk
from proof.kernels import ROOT
from proof.oracle.document import Document, read
from proof.oracle.rules import Oracle
from proof.say import say
from station_ctl.kernel.interlock import INPUT_SLOTS
from station_ctl.limits import SafetySection
from station_ctl.safety import table

AT_LEAST = 10_000_000
DOCUMENT = ROOT / "docs" / "cause-and-effect.md"


def shipped() -> Kernel:
    """The compiled interlock with the rows of the shipped table under the default limits."""
    return table.interlock(table.load().causes, SafetySection())


def prove(part: Part, document: Document, kernel: Kernel) -> int:
    """Walk one part; how many answers were compared. Raises Disagreement."""
    layout = Layout(*INPUT_SLOTS)
    choices, block = Choices(document, layout, part.moving), bytearray(layout.size)
    for name in document.inputs:
        for place, data in next(choices.safe(name)[0]).writes:
            block[place] = data
    numbers = any(document.inputs[name].analogue for name, _ in part.vary)
    walk = Walk(kernel, Oracle(document), 1 << document.classes.index(part.moving), bytes(block), numbers)
    walk.over(part.options(choices))
    return walk.compared


def _prove(part: Part) -> tuple[Part, int, str]:
    try:
        return part, prove(part, read(DOCUMENT), shipped()), ""
    except Disagreement as error:
        return part, 0, str(error)


def main() -> int:
    """All classes, two processes, a line for each class."""
    document, began_s = read(DOCUMENT), time.monotonic()
    work = [part for moving in document.classes for part in parts(document, moving)]
    compared, left = Counter[str](), Counter(part.moving for part in work)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for part, count, wrong in pool.imap_unordered(_prove, work):
            if wrong:
                say(f"{part.moving}: {wrong}")
                return 1
            compared[part.moving] += count
            left[part.moving] -= 1
            if not left[part.moving]:
                say(f"{part.moving:<14}{compared[part.moving]:>12,} compared, {time.monotonic() - began_s:6.1f} s")
    total = compared.total()
    say(f"{'all':<14}{total:>12,} comparisons, 0 disagreements, {time.monotonic() - began_s:.1f} s")
    return int(total < AT_LEAST)


if __name__ == "__main__":
    sys.exit(main())
