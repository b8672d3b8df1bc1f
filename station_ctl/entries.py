"""The journal's entries of the cycles: what has to be on disk is waited for, anything else follows in order behind."""

from __future__ import annotations

import asyncio

from station_ctl.journal import Entry, JournalError
from station_ctl.model.state import StationState
from station_ctl.model.words import Reason
from station_ctl.ports import JournalPort
from station_ctl.swap.restart import stable

JOURNAL_S = 1.5
"""An intent that is not on disk by then is not given and the swap aborted. Under the 2 s of the systemd watchdog."""
BRIEF_S = 0.01
"""So long the cycle waits for an entry that nothing depends on."""
ENTRIES_BEHIND = 64
"""So many entries may follow behind the cycle before the disk counts as failed."""


class Entries:
    """Entries under way to one journal."""

    def __init__(self, journal: JournalPort) -> None:
        self._journal = journal
        self._recorded: StationState | None = None
        self._behind: list[asyncio.Task[None]] = []

    async def add(self, entry: Entry) -> Reason | None:
        """Journal what changed; why it could not be, if so: then the cycle's step has not happened, and all stops.

        An intent and a swap's record have to be on disk before the world is told; nothing moves meanwhile. Anything
        else follows in order behind the cycle, which does not wait for a slow disk.
        """
        lasting = stable(entry.state)
        vital = entry.intent is not None or entry.finished is not None
        try:
            if lasting != self._recorded or vital or entry.events or entry.alarms:
                self._behind.append(asyncio.create_task(self._journal.append(entry), name="journal entry"))
            await self._caught_up(JOURNAL_S if vital else BRIEF_S, all_of_it=vital)
        except (JournalError, TimeoutError) as e:
            return Reason("journal", str(e) or f"the journal did not take an entry within {JOURNAL_S:g} s")
        self._recorded = lasting
        return None

    @property
    def behind(self) -> int:
        """Entries that are not known to be on the disk yet."""
        return len(self._behind)

    async def _caught_up(self, within_s: float, *, all_of_it: bool) -> None:
        """Wait for entries under way. Raises JournalError if one failed, TimeoutError if they are too slow."""
        if not self._behind:
            return
        done, late = await asyncio.wait(self._behind, timeout=within_s)
        self._behind = [task for task in self._behind if task in late]
        for error in [task.exception() for task in done]:
            if error is not None:
                raise error
        if late and (all_of_it or len(late) > ENTRIES_BEHIND):
            raise TimeoutError

    async def flush(self, within_s: float) -> None:
        """What follows behind goes to disk, before the journal is closed."""
        if self._behind:
            await asyncio.wait(self._behind, timeout=within_s)
