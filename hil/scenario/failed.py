"""A step in words, and a step that did not come to what it says."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from drivers.errors import StationError
from hil.scenario.words import Quantity


class Failed(StationError):
    """A step did not come to what it says. invariant: `liveness` if something did not come, else `expectation`."""

    def __init__(self, what: str, *, where: str = "", value: object = None, live: bool = False) -> None:
        super().__init__(what, where=where, value=value)
        self.invariant = "liveness" if live else "expectation"

    def at(self, where: str, value: object) -> Failed:
        """The same, with the step and the station's state."""
        return Failed(self.what, where=where, value=value, live=self.invariant == "liveness")


def said(step: BaseModel) -> str:
    """A step, or a part of one, in one line: what its author gave."""
    given = {name: getattr(step, name) for name in type(step).model_fields if name in step.model_fields_set}
    return ", ".join(f"{key} {_plain(value)}" for key, value in given.items())


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        return f"{{{said(value)}}}"
    if isinstance(value, Quantity):
        return f"{value.value:g} {value.unit}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items())
    return str(value)
