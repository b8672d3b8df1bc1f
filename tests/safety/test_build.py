"""`setup.py` builds no kernel beside a table that the start would refuse; it needs no third-party library for that."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from station_ctl.kernel import interlock

ROOT = Path(__file__).parents[2]
BUILD = """
import runpy, sys, types
import setuptools
from setuptools.command.build_ext import build_ext
sys.modules["pydantic"] = None  # a build environment has none
given = {}
setuptools.setup = given.update
cython = types.ModuleType("Cython.Build")
cython.cythonize = lambda extensions, **_: extensions
sys.modules["Cython"], sys.modules["Cython.Build"] = types.ModuleType("Cython"), cython
runpy.run_path("setup.py", {"__file__": "setup.py"})
build_ext.run = lambda self: None  # compiled already
command = given["cmdclass"]["build_ext"](setuptools.Distribution(given))
command.get_ext_fullpath = lambda name: sys.argv[1]
command.run()
"""


def build(tree: Path) -> subprocess.CompletedProcess[str]:
    """What `setup.py build_ext` does in a tree after the compiler has run."""
    command = [sys.executable, "-c", BUILD, str(interlock.__file__)]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sources as they are, without what was compiled."""
    shutil.copy(ROOT / "setup.py", tmp_path)
    for name in ("station_ctl", "drivers"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return tmp_path


def test_the_shipped_tables_are_built(tree: Path) -> None:
    done = build(tree)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("room", "file", "old", "new", "says"),
    [
        ("safety", "cause_and_effect.toml", 'name = "overload"\n', "", "misses name"),
        ("safety", "cause_and_effect.toml", 'name = "overload"\n', 'name = "door_open"\n', "stands more than once"),
        ("safety", "cause_and_effect.toml", '"JOG"', '"CLAMP"', "effect without a cause"),
        ("charging", "charging.toml", 'input = "docked"\n', 'input = "moon"\n', "watches 'moon', which is no input"),
    ],
)
def test_a_bad_table_is_not_built(tree: Path, room: str, file: str, old: str, new: str, says: str) -> None:
    path = tree / "station_ctl" / room / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    done = build(tree)
    assert done.returncode != 0
    assert "TableError" in done.stderr
    assert file in done.stderr
    assert says in done.stderr
