"""Packs that have just said who they are: of the right type or not, and their records on the way from the disk."""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from concurrent.futures import Future
from typing import Final

from station_ctl.estimates.fits import unlike
from station_ctl.estimates.places import Shown
from station_ctl.estimates.records import Records
from station_ctl.soc.cell_type import CellType
from station_ctl.soc.record import Record

LOAD_S: Final = 5.0
"""A disk that has not given a record by then: the pack begins as an unknown one."""

log = logging.getLogger(__name__)


class Newcomers:
    """Of one station. why: by serial, why a pack that is here has no estimate; a new mapping for each change."""

    def __init__(self, of: CellType, records: Records) -> None:
        self.why: Mapping[str, str] = {}
        self._type, self._records = of, records
        self._loading: dict[str, tuple[Future[Record | str], float]] = {}

    def meet(self, shown: Shown, followed: Container[str], now_s: float) -> dict[str, Record | None]:
        """Packs that can be followed from now on, each with its record, None: unknown. One a call is asked for."""
        for serial in [serial for serial in {**self._loading, **self.why} if serial not in shown]:
            self._loading.pop(serial, None)
            self._say(serial, "")
        asked, come = False, dict[str, Record | None]()
        for serial, (_, status) in shown.items():
            if serial in followed or status.identity.value is None:
                continue
            if why := unlike(status.identity.value, status, self._type):
                self._say(serial, why)
            elif serial in self._loading:
                self._wait(serial, come, now_s)
            elif not asked:
                asked = True
                self._loading[serial] = (self._records.load(serial), now_s)
                self._say(serial, "unread: its record is being read")
        return come

    def _wait(self, serial: str, come: dict[str, Record | None], now_s: float) -> None:
        future, since_s = self._loading[serial]
        if not future.done() and now_s - since_s <= LOAD_S:
            return
        del self._loading[serial]
        self._say(serial, "")
        found = _record(future) if future.done() else "is not read: the disk does not answer"
        if isinstance(found, str):
            log.info("pack %s begins unknown: its record %s", serial, found)
        come[serial] = found if isinstance(found, Record) else None

    def _say(self, serial: str, why: str) -> None:
        if self.why.get(serial, "") != why:
            others = {key: text for key, text in self.why.items() if key != serial}
            self.why = others | {serial: why} if why else others


def _record(future: Future[Record | str]) -> Record | str:
    error = future.exception()
    return future.result() if error is None else f"cannot be read ({type(error).__name__})"
