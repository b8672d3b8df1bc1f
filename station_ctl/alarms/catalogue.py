"""The alarm catalogue: read from its data file and the cause-and-effect table, checked whole before anything starts.

An alarm needs a person's response (ISA-18.2); whatever needs none is an event. Priority is not written down but follows
from how bad it gets and how soon somebody has to act (`PRIORITY`), so that it can be argued about entry by entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import StationError
from station_ctl.model import Mode, PackML
from station_ctl.safety import table

FILE = "alarms/catalogue.toml"
INTERLOCK = "interlock."
"""What the code of an alarm made of a cause begins with."""
SAFETY_SHELVED_MAX_MIN = 60
"""A safety alarm is never shelved for longer, whatever the file says."""
SHELVED_MAX_MIN = 24 * 60

Priority: TypeAlias = Literal["high", "medium", "low"]
Severity: TypeAlias = Literal["severe", "major", "minor"]
Class: TypeAlias = Literal["safety", "process", "equipment", "communication"]
Per: TypeAlias = Literal["station", "bay", "mount", "pack", "bus"]

SOON_MIN, LATER_MIN = 5.0, 30.0

M = TypeVar("M", bound=BaseModel)


class CatalogueError(StationError):
    """The alarm catalogue is not usable; the service does not start. Names file, entry and field."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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


class Rating(_Section):
    """What a cause of the interlock is as an alarm, beside its own hazard and remedy."""

    severity: Severity
    respond_within_min: float = Field(gt=0, le=1440)
    off_delay_ms: int = Field(ge=0, le=600_000)
    reaction: str = Field(min_length=10)
    budget_ms: int = Field(gt=0, le=600_000)
    shelvable_min: int = Field(ge=0, le=SHELVED_MAX_MIN)
    suppressed_by: tuple[str, ...] = Field((), strict=False)
    suppressed_in: tuple[str, ...] = Field((), strict=False)


class Alarm(Rating):
    """One entry; docs/alarms.md says what each field means. per: what there is one of each for (pack: bay or mount)."""

    code: str = Field(pattern=r"^[a-z_]+\.[a-z_]+$")
    per: Per
    alarm_class: Class = Field(alias="class")
    on_delay_ms: int = Field(ge=0, le=600_000)
    deadband: float | None = Field(None, gt=0)
    unit: str = ""
    latched: bool
    clears: Literal["itself", "operator", "service"]
    text: str = Field(min_length=5)
    cause: str = Field(min_length=10)
    consequence: str = Field(min_length=10)
    remedy: str = Field(min_length=10)

    @property
    def priority(self) -> Priority:
        """Consequence by time to respond."""
        return priority(self.severity, self.respond_within_min)


class ReasonTexts(_Section):
    """Why the station stands, for a person; or `none`: why nobody has to respond. alarm: raised while it waits so."""

    none: str = ""
    alarm: str = ""
    cause: str = ""
    consequence: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All alarms by code, what the reason codes mean, and which alarm stands for a cause that has none of its own."""

    alarms: Mapping[str, Alarm]
    reasons: Mapping[str, ReasonTexts]
    covered: Mapping[str, str]
    at_rest: frozenset[str]

    def of_cause(self, cause: str) -> str:
        """The code of the alarm that a cause of the interlock raises."""
        return self.covered.get(cause, INTERLOCK + cause)


def priority(severity: Severity, respond_within_min: float) -> Priority:
    """severe within 5 min: high; severe within 30 min or major within 5 min: medium; all else low."""
    if severity == "severe" and respond_within_min <= SOON_MIN:
        return "high"
    within = {"severe": LATER_MIN, "major": SOON_MIN, "minor": 0.0}[severity]
    return "medium" if respond_within_min <= within else "low"


def distribution(catalogue: Catalogue) -> dict[Priority, int]:
    """How many entries there are of each priority."""
    found = [entry.priority for entry in catalogue.alarms.values()]
    return {p: found.count(p) for p in ("high", "medium", "low")}


def load() -> Catalogue:
    """The shipped catalogue. Raises CatalogueError, or TableError for the cause table it refers to."""
    text = resources.files("station_ctl.alarms").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), table.load().causes)


def parse(document: dict[str, Any], causes: Iterable[table.Cause]) -> Catalogue:
    """A catalogue from its data. Raises CatalogueError."""
    for key in ("alarms", "interlock", "reasons"):
        if key not in document:
            raise _error(key, "section is missing")
    if strange := sorted(set(document) - {"alarms", "interlock", "reasons"}):
        raise _error(strange[0], "is no section of the catalogue")
    _model(_Form, document, "the file")
    causes = list(causes)
    covered = document["interlock"].get("covered", {})
    found: dict[str, Alarm] = {}
    for entry in [*_written(document["alarms"]), *_of_causes(document["interlock"], causes, covered)]:
        if entry.code in found:
            raise _error(entry.code, "code stands more than once")
        found[entry.code] = entry
    reasons = {code: _model(ReasonTexts, row, f"reasons.{code}") for code, row in document["reasons"].items()}
    catalogue = Catalogue(found, reasons, covered, frozenset(c.name for c in causes if c.at_rest))
    for entry in found.values():
        _check_entry(entry, found)
    _check_references(catalogue)
    return catalogue


def _written(rows: list[dict[str, Any]]) -> Iterator[Alarm]:
    for number, row in enumerate(rows, 1):
        yield _model(Alarm, row, str(row.get("code", f"entry {number}")))


def _of_causes(section: dict[str, Any], causes: list[table.Cause], covered: Mapping[str, str]) -> Iterator[Alarm]:
    """One alarm for each cause that trips and has none of its own; what the cause table says is not said again.

    A cause that only withholds shows as the reason why the station is held (not_permitted).
    """
    if strange := sorted(set(section) - {"default", "rated", "covered"}):
        raise _error(f"interlock.{strange[0]}", "is not default, rated or covered")
    default, rated = section.get("default", {}), section.get("rated", {})
    names = {cause.name for cause in causes if cause.stop}
    if unknown := sorted({*rated, *covered} - names):
        what = "is no cause of the cause-and-effect table that trips: an effect without a cause"
        raise _error(f"interlock.{unknown[0]}", what)
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
        raise _error(where, f"{key}: {first['msg']}", value) from e


def _check_entry(entry: Alarm, found: Mapping[str, Alarm]) -> None:
    """What one field has to do with another."""
    if entry.alarm_class == "safety" and entry.shelvable_min > SAFETY_SHELVED_MAX_MIN:
        raise _error(entry.code, "shelvable_min of a safety alarm", entry.shelvable_min, SAFETY_SHELVED_MAX_MIN)
    if entry.latched and entry.clears == "itself":
        raise _error(entry.code, "clears: a latched alarm is cleared by the operator or by service")
    if entry.deadband is not None and not entry.unit:
        raise _error(entry.code, "deadband has no unit")
    if entry.budget_ms <= entry.on_delay_ms:
        raise _error(entry.code, "budget_ms is not longer than on_delay_ms", entry.budget_ms)
    for name in entry.suppressed_in:
        if name not in {*PackML, *Mode}:
            raise _error(entry.code, "suppressed_in names no PackML state and no mode", name)
    for code in entry.suppressed_by:
        _check_suppressor(entry, code, found)


def _check_suppressor(entry: Alarm, code: str, found: Mapping[str, Alarm]) -> None:
    if code not in found:
        raise _error(entry.code, "suppressed_by names no alarm", code)
    other = found[code]
    if code == entry.code or entry.code in _behind(other, found):
        raise _error(entry.code, "suppressed_by goes round in a circle", code)
    if other.per not in ("station", "bus", entry.per) and {entry.per, other.per} != {"pack", "bay"}:
        raise _error(entry.code, f"suppressed_by: which {other.per}?", code)
    if entry.off_delay_ms <= other.on_delay_ms:
        raise _error(entry.code, "off_delay_ms: it would clear before it is suppressed by", code, other.on_delay_ms)


def _behind(entry: Alarm, found: Mapping[str, Alarm]) -> set[str]:
    """Codes of all that suppress an entry, directly or through others."""
    codes, ahead = set[str](), [*entry.suppressed_by]
    while ahead:
        code = ahead.pop()
        if code not in codes and code in found:
            codes.add(code)
            ahead += found[code].suppressed_by
    return codes


def _check_references(catalogue: Catalogue) -> None:
    for cause, code in catalogue.covered.items():
        if code not in catalogue.alarms:
            raise _error(f"interlock.covered.{cause}", "names no alarm", code)
    for name, texts in catalogue.reasons.items():
        told = (texts.cause, texts.consequence, texts.remedy)
        if any(told) == bool(texts.none) or (any(told) and not all(told)):
            raise _error(f"reasons.{name}", "needs cause, consequence and remedy, or `none`")
        if texts.alarm and texts.alarm not in catalogue.alarms:
            raise _error(f"reasons.{name}", "alarm names no alarm", texts.alarm)


def _error(where: str, what: str, value: object = None, limit: object = None) -> CatalogueError:
    remedy = "mend the catalogue; nothing was started"
    return CatalogueError(what, where=f"{FILE}, {where}", value=value, limit=limit, remedy=remedy)
