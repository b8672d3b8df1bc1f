"""Seeds that failed once: stored as files, run again by every test run."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import StationError
from hil.soak.case import Case, Outcome
from hil.soak.log import line


class RegressionError(StationError):
    """A regression file that cannot be used."""


class Regression(BaseModel):
    """One file. why: what was found, in one line, and what came of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    seed: int
    duration_s: float = Field(gt=0, le=86_400)
    speed: float = Field(gt=0, le=1000)
    why: str

    @property
    def case(self) -> Case:
        """What to run."""
        return Case(self.seed, self.duration_s, self.speed)


def load(path: Path) -> Regression:
    """One stored seed. Raises RegressionError, naming file and key."""
    try:
        return Regression.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as e:
        raise RegressionError("cannot be read", where=str(path), value=str(e)) from e
    except ValidationError as e:
        first = e.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise RegressionError(f"{key}: {first['msg']}", where=str(path), value=first["input"]) from e


def store(outcome: Outcome, folder: Path) -> Path:
    """Write a seed that failed, with what it found and its log beside it; the file's path."""
    case, found = outcome.case, outcome.violations[0]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{case.seed}.toml"
    why = json.dumps(f"{found.invariant} at {found.at_s:.3f} s: {found.text}")  # a JSON string is a TOML string
    path.write_text(
        f"seed = {case.seed}\nduration_s = {case.duration_s}\nspeed = {case.speed}\nwhy = {why}\n", encoding="utf-8"
    )
    path.with_suffix(".log").write_text("".join(f"{line(event)}\n" for event in outcome.events), encoding="utf-8")
    return path
