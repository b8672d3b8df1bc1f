"""The watch over what is written down: commands answered once, motions executed once, the journal replayed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from hil.peers.plc_rules import Plc
from hil.watch.findings import Findings
from station_ctl.journal import stable
from station_ctl.model import StationState
from station_ctl.uplink.messages import ReplyMessage

LAST = ("rejected", "completed", "failed")


class Intents:
    """Sequence numbers whose intent is on the disk, read through a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None

    def __contains__(self, sequence: int) -> bool:
        if self._db is None:
            self._db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        row = self._db.execute("SELECT 1 FROM intent WHERE sequence = ? LIMIT 1", (sequence,)).fetchone()
        return row is not None

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
        findings.judge("a command not answered exactly once", good, partial(_answers, identifier, verdicts))


def _answers(identifier: str, verdicts: Sequence[str]) -> str:
    return f"{identifier}: {', '.join(verdicts)}"


def replayed(findings: Findings, seen: StationState | None, restored: StationState | None) -> None:
    """The journal gives the state that the controller was in."""
    if seen is None or restored is None:
        return
    same = stable(seen) == stable(restored)
    findings.judge("the journal gives another state", same, lambda: f"{_short(restored)}, was {_short(seen)}")


def _short(state: StationState) -> str:
    return f"{state.packml}/{state.step}, number {state.sequence}, swap {state.swap.id if state.swap else None}"
