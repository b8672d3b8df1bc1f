"""A candump log as a log of one pack: one of this station's by the drivers, any other by a DBC file and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from drivers import candump
from drivers.candump import Heard
from drivers.dbc_file import DbcFile
from station_ctl.soc import log_files
from station_ctl.soc.candump_rows import NamedSignals, OwnPacks, Signals
from station_ctl.soc.log import Log, LogError, from_columns
from station_ctl.soc.row import Row

OWN_PACKS: Final = "pack"


@dataclass(frozen=True, slots=True)
class How:
    """How a log is to be read.

    dbc:       `pack` for packs as this station knows them (docs/pack-can.md), else a DBC file.
    signals:   with a DBC file, `I=NAME` and so on (`candump_rows.Signals`).
    address:   source address of the pack (J1939), where the log has several.
    interface: bus of the log, where it has several.
    """

    dbc: str
    signals: tuple[str, ...] = ()
    address: int | None = None
    interface: str | None = None


class _Packs(Protocol):
    """What turns frames into rows, for each source address apart; None where the bus has no such addresses."""

    rows: dict[int | None, list[Row]]

    def hear(self, heard: Heard) -> None:
        """Take one frame."""

    def lacking(self, address: int | None) -> str:
        """What was not heard of that pack, or two packs that are mixed up; "" if all is well."""


def read(path: Path, how: How, cells_in_series: int) -> Log:
    """Raises LogError, CandumpError, DbcError."""
    where = str(path)
    packs = _packs(how, cells_in_series)
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            for heard in _rising(candump.read(log_files.lines(file), where, how.interface), where):
                packs.hear(heard)
    except OSError as e:
        raise LogError("cannot be read", where=where, value=str(e)) from e
    bus = f"{where}, bus {how.interface}" if how.interface else where
    rows = packs.rows[_chosen(packs, how.address, bus)]
    columns = np.array(rows, dtype=float)
    return from_columns(dict(zip(("t", "I", "V", "T", "I_meter"), columns.T, strict=True)), where)


def _packs(how: How, cells_in_series: int) -> _Packs:
    if how.dbc != OWN_PACKS:
        named = NamedSignals(DbcFile(Path(how.dbc)), Signals.parse(how.signals), cells_in_series)
        if how.address is not None and not named.by_source:
            raise LogError("takes no address: not every signal is of a J1939 message", where=f"--dbc {how.dbc}")
        return named
    if how.signals:
        raise LogError(
            "takes no signals", where="--dbc pack", value=how.signals, remedy="give the DBC file they are in"
        )
    return OwnPacks(cells_in_series)


def _rising(frames: Iterable[Heard], where: str) -> Iterator[Heard]:
    """The frames. Raises LogError where time goes back."""
    before_s = -np.inf
    for heard in frames:
        if heard.t_s < before_s:
            raise LogError(
                "time goes back", where=f"{where}, line {heard.number}", value=heard.t_s, limit=f">= {before_s}",
                remedy="sort the log, or cut it where the clock was set",
            )  # fmt: skip
        before_s = heard.t_s
        yield heard


def _chosen(packs: _Packs, address: int | None, where: str) -> int | None:
    """Whose rows. Raises LogError if it is not clear or something is missing."""
    sources = [source for source in packs.rows if address in (None, source)]
    names = [f"{source:#04x}" for source in packs.rows if source is not None]
    if not sources:
        lack = packs.lacking(address)
        what = "has no such pack" if names else f"has no pack: {lack}"
        raise LogError(what, where=where, value=address, limit=names or None)
    if len(sources) > 1:
        raise LogError("has several packs", where=where, value=names, remedy="choose one by --address")
    if lack := packs.lacking(sources[0]):
        raise LogError(lack, where=where)
    return sources[0]
