"""Read scenario files; what is wrong with one is said with its line, and nothing is started."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from drivers import toml
from drivers.errors import StationError
from hil.faults.catalogue import FAULTS, FaultError, parse
from hil.scenario import steps
from hil.scenario.lines import lines
from hil.scenario.model import Scenario
from hil.scenario.plant_words import VERBS
from hil.scenario.refusal import Loc, first, in_words, line_of, spot_of
from hil.scenario.words import nearest

FOLDER = Path(__file__).parent.parent / "scenarios"
"""The scenarios that come with the bench."""


class ScenarioError(StationError):
    """A scenario cannot be used; nothing was started. `where` is file:line."""


def shipped() -> list[Path]:
    """The files of all scenarios that come with the bench, in the order of their names."""
    return sorted(FOLDER.glob("*.toml"))


def find(names: Sequence[str]) -> list[Path]:
    """The files meant by names, paths, or `all`; none given: all. Raises ScenarioError for an unknown name."""
    if not names or "all" in names:
        return shipped()
    known = {path.stem: path for path in shipped()}
    found = []
    for name in names:
        if name not in known and not name.endswith(".toml"):
            raise ScenarioError("no such scenario", where=name, remedy=nearest(name, list(known)))
        found.append(known.get(name) or Path(name))
    return found


def load(path: Path) -> Scenario:
    """A scenario from its file. Raises ScenarioError, naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        document = toml.loads(text)
    except (OSError, UnicodeDecodeError) as e:
        raise ScenarioError("cannot be read", where=str(path), value=str(e)) from e
    except toml.TOMLDecodeError as e:
        line = re.search(r"at line (\d+)", str(e))
        where = f"{path}:{line.group(1) if line else text.count(chr(10)) + 1}"
        raise ScenarioError("is not valid TOML", where=where, value=str(e)) from e
    try:
        return Scenario.model_validate({**document, "name": path.stem})
    except ValidationError as e:
        raise _explain(e, document, text, path) from e


def _explain(refused: ValidationError, document: Any, text: str, path: Path) -> ScenarioError:
    error, rest = first(refused)
    spot = spot_of(_without_tags(error["loc"]), document)
    where = f"{path}:{line_of(spot, lines(text))}"
    if (fault := _fault(error["loc"], document)) is not None:
        return _of_fault(fault, where, rest)
    what, value, remedy = _in_words(error, spot)
    return ScenarioError(what, where=where, value=value, remedy="; ".join(filter(None, (remedy, rest))))


def _in_words(error: ErrorDetails, spot: Loc) -> tuple[str, object, str]:
    if error["type"] == "union_tag_not_found" and isinstance(error["input"], dict):
        word = next(iter(error["input"]), "")
        return "a step without a word", word or None, nearest(word, steps.WORDS)
    return in_words(error, spot, _known_beside(error["loc"]))


def _of_fault(fault: Any, where: str, rest: str) -> ScenarioError:
    """The catalogue says best what is wrong with a fault."""
    try:
        parse(fault, where)
    except FaultError as e:
        remedy = "; ".join(filter(None, (e.remedy, rest)))
        return ScenarioError(e.what, where=e.where, value=e.value, limit=e.limit, remedy=remedy)
    raise LookupError(f"{where}: the catalogue takes what the scenario refuses: {fault}")


def _fault(loc: Loc, document: Any) -> Any:
    """The table of the fault that an error is about, None if it is about something else."""
    if len(loc) < 4 or (loc[0], *loc[2:4]) != ("step", "fault", "fault"):
        return None
    return document["step"][loc[1]]["fault"]


def _without_tags(loc: Loc) -> Loc:
    """A step's errors begin with its index and its word, and with the verb too where the plant is told something."""
    if loc[:1] != ("step",) or len(loc) < 3:
        return loc
    if loc[2] == "do":
        return (*loc[:2], *loc[4:]) if len(loc) > 3 else (*loc[:2], "do")
    return (*loc[:2], *loc[3:])


def _known_beside(loc: Iterable[int | str]) -> list[str]:
    """The keys that may stand where an unknown one does."""
    here: type[BaseModel] = Scenario
    for part in list(loc)[:-1]:
        if isinstance(part, int):
            continue
        field = here.model_fields.get(part)
        inner = _model(field.annotation) if field is not None else _TAGS.get(part)
        here = inner if inner is not None else here
    return sorted(here.model_fields)


def _model(annotation: Any) -> type[BaseModel] | None:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


_TAGS: dict[str, type[BaseModel]] = {**steps.BY_WORD, **VERBS, **FAULTS}
