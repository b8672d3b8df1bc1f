"""`make coverage`: every statement and both outcomes of every condition of the kernels. Exit 1 below 100 %."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from proof.child import run_tests, substitute
from proof.coverage.counters import HELPER, SPACE, Counters, Site
from proof.kernels import BUILD, ROOT, Kernel, kernels
from proof.say import say
from proof.tree import build


def main() -> int:
    """Count for the kernels that are named, or all; each in a process of its own, where nobody holds another build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernel", nargs="*", help="which kernels (all)")
    wanted = kernels(parser.parse_args().kernel)
    if len(wanted) > 1:
        each = [[sys.executable, "-m", "proof.coverage", kernel.name] for kernel in wanted]
        return max(subprocess.run(command, cwd=ROOT, check=False).returncode for command in each)
    sites, counts = measure(wanted[0], BUILD / "coverage")
    say(*lines(wanted[0], sites, counts))
    return int(any(site.missing(counts) for site in sites))


def measure(kernel: Kernel, folder: Path) -> tuple[list[Site], bytes]:
    """Run the kernel's tests over a build with counters. Raises SystemExit if a test fails."""
    counters = Counters({file.name: len(file.read_text("utf-8").splitlines()) for file in kernel.files})
    module = substitute(kernel, build(kernel, HELPER, counters.edit, folder, ("-O0",)))
    if 2 * len(counters.sites) > SPACE:
        raise SystemExit(f"{kernel.name}: more than {SPACE // 2} counters")
    if run_tests(kernel):
        raise SystemExit(f"{kernel.name}: its tests fail")
    return counters.sites, module.proof_counts()


def lines(kernel: Kernel, sites: Sequence[Site], counts: bytes) -> list[str]:
    """What is missing, and the sums."""
    missing = [(site, lack) for site in sites for lack in site.missing(counts)]
    found = [f"{site.file}:{site.line}: {lack}: {site.said}" for site, lack in missing]
    rooms = len(kernel.files) - 1
    name = kernel.source.name + (f" and its {rooms} rooms" if rooms else "")
    for condition, what, each in ((False, "statements", 1), (True, "outcomes of conditions", 2)):
        made = each * sum(site.condition is condition for site in sites)
        seen = made - sum(site.condition is condition for site, _ in missing)
        found.append(f"{name}: {seen} of {made} {what}, {100 * seen / max(made, 1):.1f} %")
    return found


if __name__ == "__main__":
    sys.exit(main())
