"""The causes and inputs as docs/cause-and-effect.md prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Input:
    """One measured input; `place`: how many of its kind stand before it."""

    name: str
    analogue: bool
    place: int


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the table; `number` counts from 0. required: None for an analogue input, which has the rest."""

    number: int
    name: str
    input: str
    required: bool | None
    at_least: bool
    limit: float
    hysteresis: float
    age_ms: int
    classes: frozenset[str]
    trips: str
    category: int
    blocks_reset: bool


@dataclass(frozen=True, slots=True)
class Document:
    """The whole document. classes: motion classes in the order of their bits."""

    classes: tuple[str, ...]
    inputs: dict[str, Input]
    causes: tuple[Cause, ...]


def read(path: Path) -> Document:
    """Parse the document. Raises ValueError for a row that is not understood."""
    tables = _tables(path.read_text("utf-8"))
    rows = next(table for table in tables if "safe when" in table[0])
    classes = tuple(name for name in rows[0] if name.isupper())
    causes = tuple(_cause(row, classes) for row in rows)
    return Document(classes, _inputs(next(table for table in tables if "kind" in table[0])), causes)


def _tables(text: str) -> list[list[dict[str, str]]]:
    """Every table of the document: its rows as header -> cell."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def _inputs(rows: list[dict[str, str]]) -> dict[str, Input]:
    found: dict[str, Input] = {}
    for row in rows:
        analogue = row["kind"] == "analogue"
        place = sum(other.analogue is analogue for other in found.values())
        found[row["input"]] = Input(row["input"], analogue, place)
    return found


def _cause(row: dict[str, str], classes: tuple[str, ...]) -> Cause:
    condition = re.fullmatch(r"(\w+) (?:is (true|false)|(<=|>=) ([0-9.]+)(?: \S+)?)", row["safe when"])
    trips = re.fullmatch(r"(always|moving|start|-)(?:, category ([012]))?( R)?", row["trips"])
    if condition is None or trips is None or not row["age at most"].endswith(" ms"):
        raise ValueError(f"not understood: {row}")
    name, truth, sign, limit = condition.groups()
    return Cause(
        number=int(row["#"]) - 1,
        name=row["cause"],
        input=name,
        required={"true": True, "false": False, None: None}[truth],
        at_least=sign == ">=",
        limit=float(limit or 0),
        hysteresis=float((row["hysteresis"] or "0").split()[0]),
        age_ms=int(row["age at most"].removesuffix(" ms")),
        classes=frozenset(name for name in classes if row[name] == "X"),
        trips=trips[1],
        category=int(trips[2] or 0),
        blocks_reset=bool(trips[3]),
    )
