"""What the verbs of `station-ctl soc` ask before they begin: that all is there, and that nothing is written over."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from drivers.errors import StationError


class ExtraMissing(StationError):
    """A library of the extra `soc` is not installed."""


class OutputError(StationError):
    """What was found cannot be written there."""


def need(*names: str) -> None:
    """Raises ExtraMissing for libraries that are not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ExtraMissing(
            f"needs {', '.join(missing)}", where="station-ctl soc", remedy="pip install 'station-ctl[soc]'"
        )


def spare(outputs: Iterable[Path | None], inputs: Iterable[Path | str | None]) -> None:
    """Raises OutputError for an output that would replace what is read, or has no folder to be in."""
    read = {Path(name).resolve() for name in inputs if name}
    for path in outputs:
        if path is None:
            continue
        if path.resolve() in read:
            raise OutputError("would replace what is read", where=str(path), remedy="write to another file")
        if path.is_dir() or not path.resolve().parent.is_dir():
            raise OutputError("cannot be written", where=str(path), limit="a file in a folder that is there")
