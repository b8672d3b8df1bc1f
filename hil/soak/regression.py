"""Seeds that failed once: stored as files with the faults that they drew, run again by every test run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers import toml
from drivers.errors import StationError
from hil.faults.catalogue import Fault, parse
from hil.soak.case import Case, Outcome
from hil.soak.log import line


class RegressionError(StationError):
    """A regression file that cannot be used."""


class Planned(BaseModel):
    """A fault and when it begins, in seconds of the run."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    at_s: float = Field(ge=0)

    def fault(self, where: str) -> Fault:
        """The fault. Raises FaultError if it is not in the catalogue, or not like that."""
        return parse(self.model_extra, where)


class Regression(BaseModel):
    """One file. why: what was found, in one line. fault: what was injected; a later draw of the seed may be another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    seed: int
    duration_s: float = Field(gt=0, le=86_400)
    speed: float = Field(gt=0, le=1000)
    grid_kw: float | None = None
    soc: bool = False
    why: str
    fault: list[Planned] = []


def load(path: Path) -> tuple[Case, str]:
    """What to run, and why. Raises RegressionError or FaultError, naming file and key."""
    try:
        kept = Regression.model_validate(toml.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, toml.TOMLDecodeError) as e:
        raise RegressionError("cannot be read", where=str(path), value=str(e)) from e
    except ValidationError as e:
        first = e.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise RegressionError(f"{key}: {first['msg']}", where=str(path), value=first["input"]) from e
    plan = tuple((f.at_s, f.fault(f"{path}: fault {n}")) for n, f in enumerate(kept.fault, 1))
    return Case(kept.seed, kept.duration_s, kept.speed, grid_kw=kept.grid_kw, soc=kept.soc, plan=plan), kept.why


def store(outcome: Outcome, folder: Path) -> Path:
    """Write a seed that failed, with what it found and its log beside it; the file's path."""
    case, found = outcome.case, outcome.violations[0]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{case.seed}.toml"
    head: dict[str, Any] = {"seed": case.seed, "duration_s": case.duration_s, "speed": case.speed}
    head |= {} if case.grid_kw is None else {"grid_kw": case.grid_kw}
    head |= {"soc": True} if case.soc else {}
    head["why"] = f"{found.invariant} at {found.at_s:.3f} s: {found.text}"
    faults = [{"at_s": at_s} | fault.model_dump(exclude_none=True) for at_s, fault in outcome.plan]
    text = _table(head) + "".join(f"\n[[fault]]\n{_table(fault)}" for fault in faults)
    path.write_text(text, encoding="utf-8")
    path.with_suffix(".log").write_text("".join(f"{line(event)}\n" for event in outcome.events), encoding="utf-8")
    return path


def _table(values: dict[str, Any]) -> str:
    """Keys and values as TOML; a JSON string, number or boolean is a TOML one."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
