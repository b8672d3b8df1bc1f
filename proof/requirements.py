"""Every clause the project follows, tied to code and to tests: `python -m proof.requirements [--write | --check] ROOT`.

docs/requirements.toml is the data; this checks it against the tree and writes docs/requirements.md. Nothing is imported
or run: names are looked up in the sources. What fails: a path, name, test or cause that is not there; a clause that is
claimed without code or without a test; and the other way round, a cause of the interlock or a test in tests/safety that
no clause asks for.
"""

from __future__ import annotations

import argparse
import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from proof.requirements_page import page

SOURCE, PAGE = "docs/requirements.toml", "docs/requirements.md"
TABLES = {"": "station_ctl/safety/cause_and_effect.toml", "charging.": "station_ctl/charging/charging.toml"}
"""What precedes the name of a cause in docs/requirements.toml, and the table it stands in."""
SAFETY_TESTS = "tests/safety"
STATUSES = ("met", "partly", "not claimed")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One clause in our words.

    status:  met, partly (then `missing` says what is not there) or not claimed (then `missing` says why).
    code:    where it is done: 'path' or 'path:name' or 'path:Class.name'.
    tests:   what shows it: 'path::test_name', or a path for all tests of a file or a scenario of the bench.
    causes:  rows of the cause-and-effect tables that are there for it; those of the bays' supplies as 'charging.name'.
    """

    id: str
    source: str
    clause: str
    text: str
    status: str
    missing: str = ""
    code: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()


def load(root: Path) -> list[Requirement]:
    """All clauses. Raises ValueError, naming the entry, for a form that is not the above."""
    rows = tomllib.loads((root / SOURCE).read_text(encoding="utf-8")).get("requirement", [])
    return [_read(row, number) for number, row in enumerate(rows, 1)]


def _read(row: dict[str, Any], number: int) -> Requirement:
    name = str(row.get("id", f"entry {number}"))
    lists = ("code", "tests", "causes")
    known = [field.name for field in fields(Requirement)]
    if strange := sorted(set(row) - set(known)):
        raise ValueError(f"{name}: {strange[0]} is no field; known: {', '.join(known)}")
    for key in ("id", "source", "clause", "text", "status"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise ValueError(f"{name}: {key} is missing")
    for key in lists:
        if not isinstance(row.get(key, []), list) or not all(isinstance(v, str) for v in row.get(key, [])):
            raise ValueError(f"{name}: {key} is a list of texts")
    values: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in row.items()}
    return Requirement(**values)


def problems(root: Path) -> list[str]:
    """Everything that is wrong, one line each; empty: every clause stands on something, and nothing stands alone."""
    try:
        found = load(root)
    except (OSError, ValueError) as e:
        return [f"{SOURCE}: {e}"]
    ids = [r.id for r in found]
    twice = [f"{name}: stands more than once" for name in sorted({n for n in ids if ids.count(n) > 1})]
    return [*twice, *(line for r in found for line in _of(root, r)), *_orphans(root, found)]


def _of(root: Path, r: Requirement) -> Iterator[str]:
    if r.status not in STATUSES:
        yield f"{r.id}: status {r.status!r} is none of {', '.join(STATUSES)}"
    if (r.status == "met") == bool(r.missing):
        yield f"{r.id}: 'missing' goes with partly and not claimed, and only with them"
    if r.status != "not claimed" and not (r.code and r.tests):
        yield f"{r.id}: {r.status}, without {'code' if not r.code else 'a test'}"
    for where in r.code:
        path, _, name = where.partition(":")
        if not (root / path).exists():
            yield f"{r.id}: code {path} is not there"
        elif name and not has(root / path, name):
            yield f"{r.id}: code {path} has no {name}"
    for where in r.tests:
        yield from (f"{r.id}: {what}" for what in _test(root, where))
    for cause in r.causes:
        if cause not in causes(root):
            yield f"{r.id}: {cause} is no cause of a table"


def _test(root: Path, where: str) -> Iterator[str]:
    path, _, name = where.partition("::")
    if not (root / path).is_file():
        yield f"test file {path} is not there"
    elif path.endswith(".py"):
        found = tests_of(root / path)
        if not found or (name and name not in found):
            yield f"test {where} is not there"
    elif name or not path.startswith("hil/scenarios/"):
        yield f"{where} is neither a test nor a scenario"


def _orphans(root: Path, found: list[Requirement]) -> Iterator[str]:
    asked = {cause for r in found for cause in r.causes}
    yield from (f"cause {name}: no clause asks for it" for name in causes(root) if name not in asked)
    named = {test for r in found for test in r.tests}
    for path in sorted((root / SAFETY_TESTS).glob("test_*.py")):
        where = path.relative_to(root).as_posix()
        if where not in named:
            yield from (
                f"test {where}::{n}: no clause asks for it" for n in tests_of(path) if f"{where}::{n}" not in named
            )


def causes(root: Path) -> list[str]:
    """Names of the rows of the cause-and-effect tables."""
    return [
        prefix + row["name"]
        for prefix, path in TABLES.items()
        for row in tomllib.loads((root / path).read_text(encoding="utf-8"))["causes"]
    ]


def tests_of(path: Path) -> list[str]:
    """Names of the test functions in a file."""
    return [name for name in _names(path) if name.rpartition(".")[2].startswith("test_")]


def has(path: Path, name: str) -> bool:
    """Whether a source defines a name; of other files than Python's, whether the word stands in it."""
    if path.suffix == ".py":
        return name in _names(path)
    return (
        path.is_file()
        and re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", path.read_text(encoding="utf-8")) is not None
    )


@functools.cache
def _names(path: Path) -> tuple[str, ...]:
    return tuple(_defined(ast.parse(path.read_text(encoding="utf-8")).body, ""))


def _defined(body: list[ast.stmt], within: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield within + node.name
        if isinstance(node, ast.ClassDef):
            yield from _defined(node.body, f"{within}{node.name}.")
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield within + node.target.id
        if isinstance(node, ast.Assign):
            named = (n for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name))
            yield from (within + n.id for n in named)


def main() -> int:
    """Entry point: 1 if anything is wrong or the page is stale."""
    parser = argparse.ArgumentParser(prog="python -m proof.requirements", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--write", action="store_true", help="write the page")
    asked = parser.parse_args()
    wrong = problems(asked.root)
    if not wrong:
        text, path = page(load(asked.root)), asked.root / PAGE
        if asked.write:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            wrong.append(f"{PAGE} is stale; run make documents")
    for line in wrong:
        sys.stderr.write(f"requirements: {line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
