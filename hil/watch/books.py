"""The watch over what is written down: commands answered once, motions executed once, the journal replayed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from hil.peers.plc_rules import Plc
from hil.watch.findings import Findings
from hil.watch.tap import Written
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML
from station_ctl.uplink.requests import ReplyMessage

LAST = ("rejected", "completed", "failed")
_INTENT = ("opcode", "source", "destination", "mount")
LASTING = ("swap", "quarantined", "sequence", "step", "given", "resume_to")
"""Fields that a restart has to bring back."""


class Intents:
    """Intents that are on the disk, read through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def has(self, order: Written) -> bool:
        """Whether the last intent with this number is for this very motion at these places."""
        if self._db is None:
            self._db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        sql = "SELECT json FROM intent WHERE sequence = ? ORDER BY id DESC LIMIT 1"
        row = self._db.execute(sql, (order.sequence,)).fetchone()
        return row is not None and all(json.loads(row[0])[name] == getattr(order, name) for name in _INTENT)

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None


def motions(findings: Findings, plc: Plc) -> None:
    """No sequence number was executed twice."""
    twice = [f"{opcode.name} {number}: {times} times" for (number, opcode), times in plc.motions.items() if times > 1]
    findings.judge("a command executed twice", not twice, lambda: "; ".join(twice))


def commands(findings: Findings, replies: Mapping[str, Sequence[ReplyMessage]], unsure: bool) -> None:
    """Each command got its verdicts once and in order; `unsure`: some may be missing (the broker or we were away).

    The same answer may arrive twice (QoS 1, a repeated command): what counts is that no two differ.
    """
    for identifier, got in replies.items():
        verdicts = list(dict.fromkeys(reply.verdict for reply in got))
        last = [verdict for verdict in verdicts if verdict in LAST]
        accepted = not last or last[0] == "rejected" or "accepted" in verdicts
        good = len(last) <= 1 and (accepted or unsure) and (bool(last) or unsure)
        findings.judge("a command not answered exactly once", good, partial(said_of, identifier, verdicts))


def said_of(identifier: str, verdicts: Sequence[str]) -> str:
    """One command and its verdicts, for a person."""
    return f"{identifier}: {', '.join(verdicts)}"


def replayed(
    findings: Findings, seen: StationState | None, appended: StationState | None, started: StationState
) -> None:
    """The service starts in the state it was in at the end of its last cycle, waiting for a person.

    appended: what was being written after that cycle, if anything: the entry may have reached the disk, or not.
    """
    down = started.packml is PackML.ABORTED
    findings.judge("a restart that does not wait", down, lambda: str(started.packml))
    if seen is None:
        return
    fits = [lasting(state) == lasting(started) for state in (seen, appended) if state is not None]
    text = partial(_difference, seen, started)
    findings.judge("the journal gives another state", any(fits), text)


def lasting(state: StationState) -> dict[str, object]:
    """What a restart has to bring back; an authorisation only while its swap is open."""
    kept: dict[str, object] = {name: getattr(state, name) for name in LASTING}
    return kept | {"authorisation": state.authorisation if state.swap is not None else None}


def _difference(seen: StationState, started: StationState) -> str:
    was, now = lasting(seen), lasting(started)
    return "; ".join(f"{name} is {now[name]}, was {was[name]}" for name in was if was[name] != now[name])
