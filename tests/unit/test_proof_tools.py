"""Mutation and coverage of a small kernel: what is found is what is there, and weak tests are told from strong ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proof.kernels import ROOT

pytestmark = pytest.mark.timeout(300)  # compiles; a safety net on a busy machine, it takes ten seconds

KERNEL = '''# cython: language_level=3
"""A small kernel with something for every family."""
from small_room cimport twice

cdef enum:
    WIDTH = 8

LIMIT = WIDTH - 1


cdef bint _within(int value, int low, int high) noexcept nogil:
    return value >= low and value <= high


def judge(int value, bint inverted):
    """Bits of the values up to `value` that are within the limit, or of those that are not."""
    cdef int found = 0
    cdef int i
    if not _within(value, 0, LIMIT):
        raise ValueError(f"{value} is outside")
    for i in range(value + 1):
        found |= (1 if inverted else 2) << i
    return found


def doubled(int value):
    """By the room."""
    return twice(value)


def never():
    """Nobody asks."""
    return 3
'''
ROOM = """# cython: language_level=3
cdef inline int twice(int value) noexcept nogil:
    if value > 99:
        return 0
    return 2 * value
"""
STRONG = """
import pytest
from station_ctl.kernel.small import LIMIT, doubled, judge

def test_all():
    assert LIMIT == 7
    assert doubled(3) == 6
    assert [judge(0, False), judge(0, True), judge(1, True), judge(7, True)] == [2, 1, 3, 255]
    for value in (-1, 8):
        with pytest.raises(ValueError, match=f"^{value} is outside$"):
            judge(value, False)
"""
WEAK = """
from station_ctl.kernel.small import judge

def test_some():
    assert judge(3, True)
"""
RUN = """
import json, sys
from pathlib import Path
from proof.child import warm
from proof.coverage.__main__ import measure
from proof.kernels import Kernel
from proof.mutation.campaign import campaign

here = Path(sys.argv[1])
kernel = Kernel("small", here / "small.pyx", (here / f"test_{sys.argv[2]}.py",))
warm()
fates = campaign(kernel, here / sys.argv[2], 2, lambda fate: None)
del sys.modules[f"test_{sys.argv[2]}"]  # it has the mutants' build
sites, counts = measure(kernel, here / f"{sys.argv[2]}_coverage")
sys.stderr.write(json.dumps({
    "fates": [[f.mutant.family, f.mutant.line, f.mutant.before, f.mutant.after, f.reached, f.killed] for f in fates],
    "missing": [[site.file, site.line, lack] for site in sites for lack in site.missing(counts)],
}))
"""
NEVER_LINE = KERNEL.splitlines().index("    return 3") + 1


def outcome(folder: Path, tests: str) -> dict[str, Any]:
    """Mutate and count the small kernel under one of the two sets of tests, in a process of its own."""
    (folder / "small.pyx").write_text(KERNEL, encoding="utf-8")
    (folder / "small_room.pxd").write_text(ROOM, encoding="utf-8")
    (folder / f"test_{tests}.py").write_text({"strong": STRONG, "weak": WEAK}[tests], encoding="utf-8")
    command = [sys.executable, "-c", RUN, str(folder), tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return found


def test_strong_tests_leave_only_what_they_never_reach(tmp_path: Path) -> None:
    found = outcome(tmp_path, "strong")
    families = {family for family, *_ in found["fates"]}
    assert families == {
        "comparison", "boundary", "and/or", "negation", "arithmetic", "constant", "return", "deleted statement",
        "default",
    }  # fmt: skip
    assert {line for _, line, *_, killed in found["fates"] if not killed} == {NEVER_LINE}
    assert all(reached for _, line, _, _, reached, _ in found["fates"] if line != NEVER_LINE)
    assert not any(reached for _, line, _, _, reached, _ in found["fates"] if line == NEVER_LINE)
    assert found["missing"] == [
        ["small.pyx", NEVER_LINE, "never run"], ["small_room.pxd", 3, "never true"], ["small_room.pxd", 4, "never run"]
    ]  # fmt: skip
    changes = {(before, after) for _, _, before, after, _, _ in found["fates"]}
    assert ("(value <= high)", "(value < high)") in changes
    assert all(before != after for before, after in changes)


def test_weak_tests_are_shown_to_be_weak(tmp_path: Path) -> None:
    found = outcome(tmp_path, "weak")
    survivors = {(before, after) for _, _, before, after, reached, killed in found["fates"] if reached and not killed}
    assert ("(value >= low)", "(value > low)") in survivors
    lacking = {lack for file, line, lack in found["missing"] if (file, line) != ("small.pyx", NEVER_LINE)}
    assert lacking == {"never run", "never true", "never false"}
