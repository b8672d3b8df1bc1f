"""Clauses, code and tests are tied together; the checker of that finds what is loose."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from proof import requirements
from proof.requirements import PAGE, SOURCE, TABLES, load, problems
from proof.requirements_page import page

ROOT = Path(__file__).parents[2]
GOOD = """
[[requirement]]
id = "A-1"
source = "A"
clause = "1"
text = "something"
status = "met"
code = ["a.py:C.f", "a.py:LIMIT_S", "k.pyx:_inside"]
tests = ["tests/safety/test_a.py::test_one", "hil/scenarios/x.toml"]
causes = ["hot", "charging.cold"]

[[requirement]]
id = "A-2"
source = "A"
clause = "2"
text = "something else"
status = "not claimed"
missing = "not ours"
"""


def tree(root: Path, text: str) -> Path:
    causes = {"": "hot", "charging.": "cold"}
    files = {
        SOURCE: text,
        "a.py": "LIMIT_S: float = 1.0\nclass C:\n    def f(self) -> None: ...\n",
        "k.pyx": "cdef bint _inside(int a):\n    return a\n",
        "tests/safety/test_a.py": "def test_one() -> None: ...\n",
        "hil/scenarios/x.toml": "",
        **{path: f'[[causes]]\nname = "{causes[prefix]}"\n' for prefix, path in TABLES.items()},
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


def test_every_clause_stands_on_something_and_nothing_stands_alone() -> None:
    assert problems(ROOT) == []
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(load(ROOT)), "run make documents"


def test_a_good_tree_has_no_problems(tmp_path: Path) -> None:
    assert problems(tree(tmp_path, GOOD)) == []
    text = page(load(tmp_path))
    assert "2 clauses: 1 met, 0 partly, 1 not claimed" in text and "**not claimed**: not ours" in text


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("a.py:C.f", "b.py:C.f", "A-1: code b.py is not there"),
        ("a.py:C.f", "a.py:C.g", "A-1: code a.py has no C.g"),
        ("k.pyx:_inside", "k.pyx:_insid", "A-1: code k.pyx has no _insid"),
        ("::test_one", "::test_two", "A-1: test tests/safety/test_a.py::test_two is not there"),
        ("hil/scenarios/x.toml", "hil/scenarios/y.toml", "A-1: test file hil/scenarios/y.toml is not there"),
        ("hil/scenarios/x.toml", "k.pyx", "A-1: k.pyx is neither a test nor a scenario"),
        ('"hot", ', '"hotter", "hot", ', "A-1: hotter is no cause of a table"),
        ('"hot", ', "", "cause hot: no clause asks for it"),
        (', "charging.cold"', "", "cause charging.cold: no clause asks for it"),
        ('"tests/safety/test_a.py::test_one", ', "", "test tests/safety/test_a.py::test_one: no clause asks for it"),
        ('code = ["a.py:C.f", "a.py:LIMIT_S", "k.pyx:_inside"]\n', "", "A-1: met, without code"),
        ('status = "met"', 'status = "good"', "A-1: status 'good' is none of met, partly, not claimed"),
        ('status = "met"', 'status = "partly"', "A-1: 'missing' goes with partly and not claimed, and only with them"),
        ('missing = "not ours"', "", "A-2: 'missing' goes with partly and not claimed, and only with them"),
        ('id = "A-2"', 'id = "A-1"', "A-1: stands more than once"),
        ('text = "something"', 'text = " "', "docs/requirements.toml: A-1: text is missing"),
        ('code = ["a.py:C.f"', 'code = [1, "a.py:C.f"', "docs/requirements.toml: A-1: code is a list of texts"),
        ('clause = "2"', 'clause = "2"\ncaluse = "2"', "docs/requirements.toml: A-2: caluse is no field"),
        ('clause = "2"', "clause = ", "docs/requirements.toml: "),
    ],
)
def test_what_is_loose_is_found(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    found = problems(tree(tmp_path, GOOD.replace(old, new, 1)))
    assert any(line.startswith(problem) for line in found), found


def test_a_stale_page_or_a_problem_is_exit_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: Any) -> int:
        monkeypatch.setattr("sys.argv", ["requirements", str(tmp_path), *arguments])
        return requirements.main()

    tree(tmp_path, GOOD)
    assert run() == 1 and "is stale" in capsys.readouterr().err
    assert run("--write") == 0 and run() == 0
    tree(tmp_path, GOOD.replace("A-2", "A-1"))
    assert run() == 1 and "stands more than once" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["README.md", "docs/cause-and-effect.md", "docs/safety-case.md"])
def test_the_papers_say_what_this_is_not(name: str) -> None:
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split()).lower()
    assert "supervisory second layer" in text and "not certified" in text
    assert re.search(r"hard-wired in the safety plc", text) and re.search(r"never override", text)


def test_nothing_in_controller_or_drivers_knows_of_a_simulation() -> None:
    files = [path for folder in ("station_ctl", "drivers") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 60
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                assert not any(m.split(".")[0] in ("hil", "tests", "fuzz", "proof") for m in modules), path
            name = getattr(node, "id", getattr(node, "attr", ""))
            assert not re.search(r"simulat|under_test|is_virtual", str(name)), f"{path}: {name}"
