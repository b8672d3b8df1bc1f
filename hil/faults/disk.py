"""A disk that can be full, fail, or lose power within a write; and what a power cut leaves of a SQLite file."""

from __future__ import annotations

import functools
import random
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from hil.faults import site_kinds as kinds
from hil.faults.catalogue import DiskFault, FaultError
from hil.faults.switches import Switches
from hil.faults.wal import last_transaction

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", kinds.DiskFull, kinds.DiskSyncFailed, kinds.DiskTornWrite)

FULL, FAILED = "database or disk is full", "disk I/O error"  # SQLITE_FULL, SQLITE_IOERR, as sqlite3 words them


class Disk(Switches[DiskFault], Executor):
    """Does the journal's work at once, in its caller, and fails it as the fault that is on says.

    on_power_cut: called when power goes in the middle of a write. That write never returns: whoever is called has to
                  let nothing more of the controller come here, kill it, and `tear` the file before it starts again.
    path:         the database; needed for disk.torn_write.
    operations:   how many were asked for. counters: full, failed, torn.
    """

    def __init__(
        self, seed: int | str = 1, on_power_cut: Callable[[], None] | None = None, path: Path | None = None
    ) -> None:
        super().__init__(seed)
        self.operations = 0
        self.path, self.on_power_cut = path, on_power_cut
        self._from = 0

    def set(self, fault: DiskFault) -> None:
        """Switch a fault on; its count of good operations begins now. Raises FaultError for a torn write of no file."""
        if isinstance(fault, kinds.DiskTornWrite) and self.path is None:
            raise FaultError("needs the path of the database", where=fault.kind)
        super().set(fault)
        self._from = self.operations

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The outcome of a call that is done at once. A failed one has sqlite3.OperationalError for its exception."""
        work = functools.partial(fn, *args, **kwargs)
        self.operations += 1
        if self._due(kinds.DiskFull) is not None:
            self.counters["full"] += 1
            return _failed(FULL)
        failed = self._due(kinds.DiskSyncFailed)
        if failed is not None:
            self.counters["failed"] += 1
            if failed.written:
                _done(work)
            return _failed(FAILED)
        return self._torn(work) if self._due(kinds.DiskTornWrite) is not None else _done(work)

    def _torn(self, work: Callable[[], T]) -> Future[T]:
        """Power goes while it writes; work that only reads goes well, and power goes at the next."""
        before = self._log()
        outcome = _done(work)
        if self._log() == before:
            return outcome
        self.clear("disk.torn_write")
        self.counters["torn"] += 1
        if self.on_power_cut is not None:
            self.on_power_cut()
        return Future()

    def _log(self) -> bytes:
        wal = Path(f"{self.path}-wal")
        return wal.read_bytes() if wal.exists() else b""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is ever under way."""

    def tear(self, path: Path) -> bool:
        """Keep only a part of the last transaction in the WAL of a database that nobody has open; False: none there."""
        return tear(path, self._rng)

    def _due(self, model: type[D]) -> D | None:
        fault = self.on(model)
        if fault is None or self.operations - self._from <= fault.after_operations:
            return None
        self._spent(model)
        return fault


def _done(work: Callable[[], T]) -> Future[T]:
    outcome: Future[T] = Future()
    try:
        outcome.set_result(work())
    except Exception as e:  # noqa: BLE001 - an executor hands over whatever its work raised
        outcome.set_exception(e)
    return outcome


def _failed(message: str) -> Future[Any]:
    outcome: Future[Any] = Future()
    outcome.set_exception(sqlite3.OperationalError(message))
    return outcome


def copy_as_cut(path: Path, target: Path) -> None:
    """What a power cut leaves of a database in use: file and WAL as they are now. Its shared memory is lost."""
    for end in ("", "-wal"):
        source, copy = Path(f"{path}{end}"), Path(f"{target}{end}")
        copy.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, copy)
    Path(f"{target}-shm").unlink(missing_ok=True)


def tear(path: Path, rng: random.Random) -> bool:
    """As Disk.tear, cut at a place drawn from rng; behind it are zeros, or the file ends there as it did before."""
    wal = Path(f"{path}-wal")
    data = wal.read_bytes() if wal.exists() else b""
    found = last_transaction(data)
    if found is None:
        return False
    cut = rng.randrange(found.start, found.stop)
    rest = data[found.stop :]
    wal.write_bytes(data[:cut] + bytes(found.stop - cut) + rest if rest else data[:cut])
    return True
