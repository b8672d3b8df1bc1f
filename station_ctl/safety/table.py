"""A cause-and-effect table: read from its data file, checked whole, compiled into the kernel's rows.

Needs nothing beyond the standard library and the compiled kernel: `setup.py` refuses a bad table with it, too.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from drivers.errors import StationError
from station_ctl.kernel.interlock import INPUT_SLOTS, Interlock
from station_ctl.safety import rules
from station_ctl.safety.classes import ALL_CLASSES, CLASSES

if TYPE_CHECKING:
    from station_ctl.kernel.interlock import Row

DISCRETE, ANALOGUE = "discrete", "analogue"
SHIPPED = "cause_and_effect.toml"


class TableError(StationError):
    """The cause-and-effect table is not usable; the service does not start, and it is not built."""


@dataclass(frozen=True, slots=True)
class Input:
    """One measured input. `index`: its place among inputs of its kind; `age`: the limit of its age."""

    name: str
    kind: str
    age: str
    source: str
    index: int

    @property
    def unit(self) -> str:
        """Symbol of an analogue input's unit, '' for a discrete one."""
        return rules.unit(self.name) if self.kind == ANALOGUE else ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the table; the data file says what each field means."""

    name: str
    input: Input
    withholds: int
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
    hysteresis: float = 0.0

    def safe_condition(self, limits: object) -> str:
        """The condition that has to hold, in words with its limit. limits: has every limit as an attribute."""
        if self.safe_when is not None:
            return f"{self.input.name} is {str(self.safe_when).lower()}"
        sign = "<=" if self.at_most else ">="
        return f"{self.input.name} {sign} {getattr(limits, self.limit):g} {self.input.unit}"

    def row(self, limits: object) -> Row:
        """The kernel's form of this row under the configured limits."""
        return (
            self.input.kind == ANALOGUE,
            self.input.index,
            int(bool(self.safe_when)),
            self.limit,
            float(getattr(limits, self.limit)) if self.limit else 0.0,
            self.hysteresis,
            self.input.age,
            getattr(limits, self.input.age),
            self.withholds,
            self.stop,
            self.at_rest,
            self.blocks_reset,
            self.start_only,
        )


@dataclass(frozen=True, slots=True)
class Hazard:
    """One row of the hazard list: the causes that answer it, or who else does and why."""

    hazard: str
    causes: tuple[str, ...]
    elsewhere: str


@dataclass(frozen=True, slots=True)
class Table:
    """All inputs, causes and hazards, in the order of the data file."""

    inputs: tuple[Input, ...]
    causes: tuple[Cause, ...]
    hazards: tuple[Hazard, ...] = ()


def interlock(causes: Sequence[Cause], limits: object) -> Interlock:
    """The robot's interlock over these causes, latched. limits: fields named like the limits, e.g. `[safety]`.

    A person can clear while a cause stands that does not block a reset: often it is a motion by hand in Manual that
    mends it, the cause goes on to withhold its classes, and nothing moves without a further word (IEC 60204-1 9.2.3.3).
    """
    return Interlock([cause.row(limits) for cause in causes], int(ALL_CLASSES), tripped_blocks=False)


@functools.cache
def load() -> Table:
    """The shipped table. Raises TableError naming the row for a missing, unknown, doubled or contradicting field."""
    text = resources.files("station_ctl.safety").joinpath(SHIPPED).read_text(encoding="utf-8")
    return parse(tomllib.loads(text))


def parse(document: dict[str, Any], classes: Mapping[str, int] = CLASSES, file: str = SHIPPED) -> Table:
    """A table from its data, over motion classes of these names and bits. Raises TableError; `file` is named in it."""
    try:
        rules.check(document, frozenset(classes), INPUT_SLOTS)
    except rules.Refused as e:
        raise TableError(e.what, where=f"{file}, {e.row}", remedy="mend the table; nothing was started") from e
    inputs = _inputs(document["inputs"])
    causes = tuple(_cause(row, inputs, classes) for row in document["causes"])
    hazards = tuple(
        Hazard(r["hazard"], tuple(r.get("causes", ())), r.get("elsewhere", "")) for r in document["hazards"]
    )
    return Table(tuple(inputs.values()), causes, hazards)


def _inputs(rows: dict[str, Any]) -> dict[str, Input]:
    count = {DISCRETE: 0, ANALOGUE: 0}
    found = {}
    for name, row in rows.items():
        found[name] = Input(name, row["kind"], row["age"], row["source"], count[row["kind"]])
        count[row["kind"]] += 1
    return found


def _cause(row: dict[str, Any], inputs: dict[str, Input], classes: Mapping[str, int]) -> Cause:
    withholds = 0
    for name in row["withholds"]:
        withholds |= classes[name]
    return Cause(**{**row, "input": inputs[row["input"]], "withholds": int(withholds)})
