"""The alarm catalogue: read from its data file and the cause-and-effect table, checked whole before anything starts.

An alarm needs a person's response (ISA-18.2); whatever needs none is an event.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from station_ctl.alarms.checks import check, refused
from station_ctl.alarms.entry import INTERLOCK, Alarm, Catalogue, Rating, ReasonTexts
from station_ctl.safety import table

M = TypeVar("M", bound=BaseModel)


class _Interlock(BaseModel):
    model_config = ConfigDict(strict=True)

    default: dict[str, Any] = {}
    rated: dict[str, dict[str, Any]] = {}
    covered: dict[str, str] = {}


class _Form(BaseModel):
    """What is a list and what a table; a bracket in the wrong place makes another form of the file."""

    model_config = ConfigDict(strict=True)

    alarms: list[dict[str, Any]]
    interlock: _Interlock
    reasons: dict[str, Any]


@functools.cache
def load() -> Catalogue:
    """The shipped catalogue. Raises CatalogueError, or TableError for the cause table it refers to."""
    text = resources.files("station_ctl.alarms").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), table.load().causes)


def parse(document: dict[str, Any], causes: Iterable[table.Cause]) -> Catalogue:
    """A catalogue from its data. Raises CatalogueError."""
    for key in ("alarms", "interlock", "reasons"):
        if key not in document:
            raise refused(key, "section is missing")
    if strange := sorted(set(document) - {"alarms", "interlock", "reasons"}):
        raise refused(strange[0], "is no section of the catalogue")
    _model(_Form, document, "the file")
    causes = list(causes)
    covered = document["interlock"].get("covered", {})
    found: dict[str, Alarm] = {}
    for entry in [*_written(document["alarms"]), *_of_causes(document["interlock"], causes, covered)]:
        if entry.code in found:
            raise refused(entry.code, "code stands more than once")
        found[entry.code] = entry
    reasons = {code: _model(ReasonTexts, row, f"reasons.{code}") for code, row in document["reasons"].items()}
    catalogue = Catalogue(found, reasons, covered, frozenset(c.name for c in causes if c.at_rest))
    check(catalogue)
    return catalogue


def _written(rows: list[dict[str, Any]]) -> Iterator[Alarm]:
    for number, row in enumerate(rows, 1):
        yield _model(Alarm, row, str(row.get("code", f"entry {number}")))


def _of_causes(section: dict[str, Any], causes: list[table.Cause], covered: Mapping[str, str]) -> Iterator[Alarm]:
    """One alarm for each cause that trips and has none of its own; what the cause table says is not said again.

    A cause that only withholds shows as the reason why the station is held (not_permitted).
    """
    if strange := sorted(set(section) - {"default", "rated", "covered"}):
        raise refused(f"interlock.{strange[0]}", "is not default, rated or covered")
    default, rated = section.get("default", {}), section.get("rated", {})
    names = {cause.name for cause in causes if cause.stop}
    if unknown := sorted({*rated, *covered} - names):
        what = "is no cause of the cause-and-effect table that trips: an effect without a cause"
        raise refused(f"interlock.{unknown[0]}", what)
    for cause in causes:
        if cause.stop and cause.name not in covered:
            rating = _model(Rating, {**default, **rated.get(cause.name, {})}, f"interlock.{cause.name}")
            yield _of_cause(cause, rating)


def _of_cause(cause: table.Cause, rating: Rating) -> Alarm:
    name = cause.name.replace("_", " ")
    row = rating.model_dump() | {
        "code": INTERLOCK + cause.name,
        "per": "station",
        "class": "safety",
        "on_delay_ms": 0,
        "latched": False,
        "clears": "operator",
        "text": f"interlock: {name}",
        "cause": f"the interlock measured: {name} (docs/cause-and-effect.md)",
        "consequence": cause.hazard,
        "remedy": cause.remedy,
    }
    return _model(Alarm, row, f"interlock.{cause.name}")


def _model(model: type[M], row: Any, where: str) -> M:
    try:
        return model.model_validate(row)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the entry"
        value = None if first["type"] == "missing" else first["input"]
        raise refused(where, f"{key}: {first['msg']}", value) from e
