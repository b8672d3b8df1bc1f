"""The cause-and-effect table: read from its data file, checked whole, compiled into the kernel's rows."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

from drivers.errors import StationError
from drivers.robot_protocol import MotionClass
from station_ctl.config import SafetySection

DISCRETE, ANALOGUE = "discrete", "analogue"

Row = tuple[bool, int, int, float, float, int, int, int, bool, bool, bool]
"""One cause in the kernel's form."""


class TableError(StationError):
    """The cause-and-effect table is not usable; the service does not start."""


@dataclass(frozen=True, slots=True)
class Input:
    """One measured input. `index`: its place among inputs of its kind; `age`: the [safety] key of its age limit."""

    name: str
    kind: str
    age: str
    source: str
    index: int


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the table; the data file says what each field means."""

    name: str
    input: Input
    withholds: MotionClass
    stop: int
    at_rest: bool
    blocks_reset: bool
    start_only: bool
    hazard: str
    remedy: str
    safe_when: bool | None = None
    at_most: bool = False
    at_least: bool = False
    limit: str = ""

    def safe_condition(self, limits: SafetySection) -> str:
        """The condition that has to hold, in words with its limit."""
        if self.safe_when is not None:
            return f"{self.input.name} is {str(self.safe_when).lower()}"
        return f"{self.input.name} {'<=' if self.at_most else '>='} {getattr(limits, self.limit):g}"

    def row(self, limits: SafetySection) -> Row:
        """The kernel's form of this row under the configured limits."""
        bound = float(getattr(limits, self.limit)) if self.limit else 0.0
        return (
            self.input.kind == ANALOGUE,
            self.input.index,
            int(bool(self.safe_when)),
            bound if self.at_least else float("-inf"),
            bound if self.at_most else float("inf"),
            getattr(limits, self.input.age),
            int(self.withholds),
            self.stop,
            self.at_rest,
            self.blocks_reset,
            self.start_only,
        )


@dataclass(frozen=True, slots=True)
class Table:
    """All inputs and causes, in the order of the data file."""

    inputs: tuple[Input, ...]
    causes: tuple[Cause, ...]


def load() -> Table:
    """The shipped table. Raises TableError naming the row for a missing, unknown, doubled or contradicting field."""
    text = resources.files("station_ctl.safety").joinpath("cause_and_effect.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text))


def parse(document: dict[str, Any]) -> Table:
    """A table from its data. Raises TableError."""
    inputs = _inputs(document.get("inputs", {}))
    by_name = {entry.name: entry for entry in inputs}
    causes = tuple(_cause(row, by_name) for row in document.get("causes", []))
    names = [cause.name for cause in causes]
    for cause in causes:
        if names.count(cause.name) > 1:
            raise _error(cause.name, "stands more than once")
    for unused in by_name.keys() - {cause.input.name for cause in causes}:
        raise _error(unused, "is an input without a cause")
    return Table(inputs, causes)


def _inputs(rows: dict[str, Any]) -> tuple[Input, ...]:
    count = {DISCRETE: 0, ANALOGUE: 0}
    found = []
    for name, row in rows.items():
        if set(row) != {"kind", "age", "source"} or row["kind"] not in count:
            raise _error(name, "an input needs kind (discrete, analogue), age and source")
        if row["age"] not in SafetySection.model_fields:
            raise _error(name, f"age names {row['age']!r}, which is no [safety] key")
        found.append(Input(name, row["kind"], row["age"], row["source"], count[row["kind"]]))
        count[row["kind"]] += 1
    return tuple(found)


def _cause(row: dict[str, Any], inputs: dict[str, Input]) -> Cause:
    name = str(row.get("name", "a cause without a name"))
    known = {f.name for f in fields(Cause)}
    needed = {"name", "input", "withholds", "stop", "at_rest", "blocks_reset", "start_only", "hazard", "remedy"}
    if missing := needed - set(row):
        raise _error(name, f"misses {', '.join(sorted(missing))}")
    if unknown := set(row) - known:
        raise _error(name, f"has unknown fields {', '.join(sorted(unknown))}")
    if row["input"] not in inputs:
        raise _error(name, f"watches {row['input']!r}, which is no input")
    if not row["withholds"] or not set(row["withholds"]) <= set(MotionClass.__members__):
        raise _error(name, "has no effect, or one that is no motion class")
    cause = Cause(**{**row, "input": inputs[row["input"]], "withholds": _mask(row["withholds"])})
    _check_condition(cause)
    return cause


def _check_condition(cause: Cause) -> None:
    analogue = cause.input.kind == ANALOGUE
    one_bound = cause.at_most != cause.at_least and cause.limit in SafetySection.model_fields
    if analogue != one_bound or analogue == (cause.safe_when is not None):
        raise _error(cause.name, "needs safe_when (discrete), or at_most or at_least with a [safety] limit (analogue)")
    if cause.stop not in (0, 1, 2) or (cause.start_only and (cause.stop or cause.at_rest)):
        raise _error(cause.name, "stop is 0, 1 or 2, and a cause checked only at the start cannot trip")


def _mask(names: list[str]) -> MotionClass:
    mask = MotionClass(0)
    for name in names:
        mask |= MotionClass[name]
    return mask


def _error(name: str, what: str) -> TableError:
    return TableError(what, where=f"cause_and_effect.toml, {name}", remedy="mend the table; nothing was started")
