"""Any DBC file: parsed in this one room, and single signals of it read from frames by name.

What the station itself speaks is read by drivers.dbc; this is for logs of other packs. Values are turned to V, A and
degC by the unit that the file gives; one outside of the signal's range, or J1939's error and not-available, is NaN.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import cantools

from drivers.errors import StationError
from drivers.j1939 import parse_id

UNITS: Final[Mapping[str, tuple[float, float]]] = {
    "": (1.0, 0.0), "-": (1.0, 0.0), "V": (1.0, 0.0), "mV": (1e-3, 0.0), "A": (1.0, 0.0), "mA": (1e-3, 0.0),
    "degC": (1.0, 0.0), "deg C": (1.0, 0.0), "°C": (1.0, 0.0), "C": (1.0, 0.0), "K": (1.0, -273.15),
}  # fmt: skip
"""Factor and offset to V, A, degC."""


class DbcError(StationError):
    """A DBC file that cannot be read, or without what is asked of it."""


class Wanted(NamedTuple):
    """One signal of a file. key: its message's identifier (J1939: the PGN) and whether that has 29 bits."""

    key: tuple[int, bool]
    j1939: bool
    name: str


def database(text: str) -> Any:
    """The file as cantools sees it, which declares no types for it."""
    return cantools.database.load_string(text, "dbc")


class DbcFile:
    """Raises DbcError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self._where = str(path)
        try:
            self._messages: list[Any] = database(path.read_text(encoding="utf-8", errors="replace")).messages
        except (OSError, cantools.Error, ValueError) as e:
            raise DbcError("is no DBC file that can be read", where=self._where, value=str(e)) from e
        self._by_key: dict[tuple[int, bool], Any] = {_key(message): message for message in self._messages}

    def find(self, name: str) -> Wanted:
        """The signal of that name, or `MESSAGE.SIGNAL` where several messages have one. Raises DbcError."""
        message_name, _, signal_name = name.rpartition(".")
        found = [
            message for message in self._messages
            for signal in message.signals
            if signal.name == signal_name and message_name in ("", message.name)
        ]  # fmt: skip
        if len(found) > 1:
            names = ", ".join(f"{message.name}.{signal_name}" for message in found)
            raise DbcError("has that signal in several messages", where=self._where, value=name, limit=names)
        if not found:
            raise DbcError("has no such signal", where=self._where, value=name, remedy=self._near(signal_name))
        unit = found[0].get_signal_by_name(signal_name).unit or ""
        if unit not in UNITS:
            raise DbcError(f"signal {name} has a unit not known here", where=self._where, value=unit, limit=[*UNITS])
        return Wanted(_key(found[0]), _is_j1939(found[0]), signal_name)

    def _near(self, name: str) -> str:
        names = sorted({signal.name for message in self._messages for signal in message.signals})
        near = difflib.get_close_matches(name, names, 5, 0.4) or names[:5]
        return f"it has {', '.join(near)}" if near else "it has no signal at all"

    def read(self, wanted: Wanted, data: bytes) -> float | None:
        """The signal's value in V, A or degC; NaN: not to be believed; None: not in this frame (multiplexed, short)."""
        message = self._by_key[wanted.key]
        try:
            raw = message.decode(data, decode_choices=False, scaling=False, allow_truncated=True)
        except (cantools.Error, ValueError):
            return None
        if wanted.name not in raw:
            return None
        signal = message.get_signal_by_name(wanted.name)
        factor, offset = UNITS[signal.unit or ""]
        value = float(signal.raw_to_scaled(raw[wanted.name], decode_choices=False))
        return value * factor + offset if _believable(signal, raw[wanted.name], value, wanted.j1939) else math.nan


def key_of(can_id: int, extended: bool, j1939: bool) -> tuple[int, bool]:
    """What a frame is found by: a J1939 message by its PGN, whoever sends it; any other by its identifier."""
    return (parse_id(can_id).pgn if j1939 else can_id, extended)


def _is_j1939(message: Any) -> bool:
    return bool(message.is_extended_frame and message.protocol == "j1939")


def _key(message: Any) -> tuple[int, bool]:
    return key_of(message.frame_id, bool(message.is_extended_frame), _is_j1939(message))


def _believable(signal: Any, raw: float, value: float, j1939: bool) -> bool:
    """In its range; and no error or not-available of SAE J1939-71."""
    if j1939 and signal.length >= 8 and raw >= 0xFE << (signal.length - 8) and not signal.is_signed:
        return False
    low, high = signal.minimum, signal.maximum
    ranged = low is not None and high is not None and high > low
    return math.isfinite(value) and (not ranged or low <= value <= high)
