"""From frames to rows of current, voltage and temperature.

A row for each current that is told; voltage and temperature are the last ones, and NaN once they are too old.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from drivers.candump import Heard
from drivers.dbc_file import DbcFile, key_of
from drivers.pack_listen import PackListener, Reassembly
from station_ctl.soc.log import LogError
from station_ctl.soc.row import SLOW_OLDEST_S, Row, row

OLDEST_S: Final = {"V": 5.0, "V_pack": 5.0, "T": SLOW_OLDEST_S, "I_meter": 5.0}


class OwnPacks:
    """Packs of this station, as drivers.pack_messages reads them: a row for each BCS."""

    def __init__(self, cells_in_series: int) -> None:
        self.rows: dict[int | None, list[Row]] = {}
        self._cells = cells_in_series
        self._listener = PackListener()
        self._serials: dict[int, list[str]] = {}

    def hear(self, heard: Heard) -> None:
        """Take one frame."""
        if not heard.extended:
            return
        for address, name in self._listener.hear(heard.can_id, heard.data, heard.t_s):
            image = self._listener.images[address]
            serials = self._serials.setdefault(address, [])
            if image.serial and image.serial not in serials:
                serials.append(image.serial)
            if name == "BCS":
                self.rows.setdefault(address, []).append(row(image.status(heard.t_s), heard.t_s, self._cells))

    def lacking(self, address: int | None) -> str:
        """Two serials at one address are two packs."""
        if not self.rows:
            return "BCS was never heard"
        serials = self._serials.get(address, []) if address is not None else []
        return (
            f"has several packs at one address: {', '.join(serials)}; cut it between them" if len(serials) > 1 else ""
        )


@dataclass(frozen=True, slots=True)
class Signals:
    """Names in a DBC file: `I` in A, `V` of the mean cell or `V_pack`, and optional `T` in degC and `I_meter` in A.

    A `-` before the name of a current turns its sign: A > 0 charges.
    """

    names: dict[str, str]
    signs: dict[str, float]

    @classmethod
    def parse(cls, texts: tuple[str, ...]) -> Signals:
        """From `I=NAME`, .. Raises LogError for one that is none, and if current or voltage is missing."""
        names = dict(text.partition("=")[::2] for text in texts)
        for key, name in names.items():
            if key not in ("I", *OLDEST_S) or not name.removeprefix("-"):
                raise LogError(
                    "is no signal", where="--signal", value=f"{key}={name}", limit=f"I=, {'=, '.join(OLDEST_S)}="
                )
            if name.startswith("-") and not key.startswith("I"):
                raise LogError(
                    "only a current has another sign", where="--signal", value=f"{key}={name}", limit="I=-NAME"
                )
        if len(names) < len(texts):
            raise LogError("names a signal twice", where="--signal", value=list(texts))
        if "I" not in names or ("V" in names) == ("V_pack" in names):
            raise LogError(
                "misses a signal", where="--signal", value=list(names), limit="I=NAME and one of V=NAME, V_pack=NAME"
            )
        signs = {key: -1.0 if name.startswith("-") else 1.0 for key, name in names.items()}
        return cls({key: name.removeprefix("-") for key, name in names.items()}, signs)


@dataclass(slots=True)
class _Last:
    """What one source said last: value and time of each signal."""

    said: dict[str, tuple[float, float]] = field(default_factory=dict)

    def at(self, key: str, t_s: float) -> float:
        """NaN for one not heard or too old."""
        value, heard_s = self.said.get(key, (math.nan, -math.inf))
        return value if t_s - heard_s <= OLDEST_S[key] else math.nan


class NamedSignals:
    """Signals of a DBC file: a row for each `I`. Raises DbcError for a name that is not in it."""

    def __init__(self, file: DbcFile, signals: Signals, cells_in_series: int) -> None:
        self.rows: dict[int | None, list[Row]] = {}
        self._file, self._signals, self._cells = file, signals, cells_in_series
        self._wanted = {key: file.find(name) for key, name in signals.names.items()}
        self.by_source = all(wanted.j1939 for wanted in self._wanted.values())
        self._reassembly = Reassembly()
        self._last: dict[int | None, _Last] = {}

    def hear(self, heard: Heard) -> None:
        """Take one frame."""
        plain = key_of(heard.can_id, heard.extended, False)
        self._take(plain, None, heard.data, heard.t_s, j1939=False)
        if heard.extended:
            for message in self._reassembly.hear(heard.can_id, heard.data, heard.t_s):
                source = message.source if self.by_source else None
                self._take((message.pgn, True), source, message.data, heard.t_s, j1939=True)

    def _take(self, found_by: tuple[int, bool], source: int | None, data: bytes, t_s: float, *, j1939: bool) -> None:
        here = (key for key, wanted in self._wanted.items() if (wanted.j1939, wanted.key) == (j1939, found_by))
        values = {key: self._file.read(self._wanted[key], data) for key in here}
        news = {key: self._signals.signs[key] * value for key, value in values.items() if value is not None}
        if not news:
            return
        last = self._last.setdefault(source, _Last())
        last.said |= {key: (value, t_s) for key, value in news.items()}
        if "I" in news:
            volts = last.at("V", t_s) if "V" in self._wanted else last.at("V_pack", t_s) / self._cells
            self.rows.setdefault(source, []).append(
                Row(t_s, news["I"], volts, last.at("T", t_s), last.at("I_meter", t_s))
            )

    def lacking(self, address: int | None) -> str:
        """Signals that were never heard."""
        heard = {key for source, last in self._last.items() if address in (None, source) for key in last.said}
        never = [f"{key}={self._signals.names[key]}" for key in self._wanted if key not in heard]
        return f"never has {', '.join(never)}" if never else ""
