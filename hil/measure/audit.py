"""What the plant and the controller's journal have to agree on after many swaps. Pure, but for reading the journal."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.robot_protocol import Opcode

WITHDRAWING = tuple(
    f"state.{name}" for name in ("aborting", "aborted", "holding", "held", "suspending", "suspended", "stopping")
)
"""Events that show that the controller has given up the order under way."""
NO_MOTION = (Opcode.NONE, Opcode.STOP, Opcode.RESET)


@dataclass(frozen=True, slots=True)
class Intent:
    """One command as it was journalled before it was written. order: opcode and places, without the number."""

    at_utc: str
    sequence: int
    order: tuple[int, ...]

    @property
    def opcode(self) -> Opcode:
        """The verb."""
        return Opcode(self.order[0])


@dataclass(frozen=True, slots=True)
class Notes:
    """What the journal holds. withdrawals: times at which the controller gave up an order; records: by VIN."""

    intents: tuple[Intent, ...]
    withdrawals: tuple[str, ...]
    records: dict[str, list[dict[str, Any]]]


def read_journal(path: Path) -> Notes:
    """The journal of a running or ended controller. Raises sqlite3.Error if it cannot be read."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT at_utc, sequence, json FROM intent ORDER BY id").fetchall()
        marks = ",".join("?" * len(WITHDRAWING))
        events = db.execute(f"SELECT at_utc FROM event WHERE code IN ({marks}) ORDER BY id", WITHDRAWING).fetchall()
        swaps = [json.loads(row[0]) for row in db.execute("SELECT json FROM swap ORDER BY at_utc")]
    finally:
        db.close()
    records: dict[str, list[dict[str, Any]]] = {}
    for swap in swaps:
        records.setdefault(swap["vin"], []).append(swap)
    return Notes(tuple(_intent(*row) for row in rows), tuple(row[0] for row in events), records)


def _intent(at_utc: str, sequence: int, text: str) -> Intent:
    command = json.loads(text)
    keys = ("opcode", "source", "destination", "mount", "parameter_1", "parameter_2")
    return Intent(at_utc, sequence, tuple(int(command[key]) for key in keys))


@dataclass(frozen=True, slots=True)
class Verdict:
    """executed: commands that ran exactly once; withdrawn: that never ran because the controller gave them up."""

    executed: int
    withdrawn: int
    faults: tuple[str, ...]


def commands(motions: Sequence[dict[str, Any]], notes: Notes) -> Verdict:
    """Every command ran once, or never and provably so; nothing ran that was not journalled; none ran twice."""
    started: Counter[tuple[int, str]] = Counter()
    for m in motions:
        started[m["sequence"], m["opcode"]] += m["started"]
    faults = [f"command {s} {o} ran {n} times" for (s, o), n in started.items() if n != 1]
    moving = [i for i in notes.intents if i.opcode not in NO_MOTION]
    known = {(i.sequence, i.opcode.name) for i in moving}
    faults += [f"command {s} {o} ran without an intent in the journal" for s, o in started if (s, o) not in known]
    numbers = Counter(i.sequence for i in notes.intents)
    faults += [f"sequence number {s} was given out {n} times" for s, n in numbers.items() if n > 1]
    unexecuted = [k for k, i in enumerate(notes.intents) if i in moving and not started[i.sequence, i.opcode.name]]
    lost = [notes.intents[k] for k in unexecuted if not _withdrawn(notes, k)]
    faults += [f"command {i.sequence} {i.opcode.name} of {i.at_utc} never ran and was not withdrawn" for i in lost]
    return Verdict(len(moving) - len(unexecuted), len(unexecuted) - len(lost), tuple(faults))


def _withdrawn(notes: Notes, index: int) -> bool:
    """Given up before the next command, or ordered anew under the next number, which bars the old one for good."""
    intent = notes.intents[index]
    after = notes.intents[index + 1] if index + 1 < len(notes.intents) else None
    at = bisect_left(notes.withdrawals, intent.at_utc)
    given_up = at < len(notes.withdrawals) and (after is None or notes.withdrawals[at] <= after.at_utc)
    return given_up or (after is not None and after.order == intent.order)


def visit(
    vin: str, serials: Sequence[str], before: dict[str, Any], after: dict[str, Any], records: Sequence[dict[str, Any]]
) -> list[str]:
    """What is wrong with one truck's swap, by the plant's word: right packs aboard, old ones in bays, one record."""
    stock = {s for s in before["bays"].values() if s}
    left = [d["packs"] for d in after["departed"] if d["vin"] == vin]
    if len(left) != 1:
        return [f"{vin}: left the station {len(left)} times"]
    aboard, in_bays = list(left[0].values()), {s for s in after["bays"].values() if s}
    faults = [f"{vin}: left with {len(aboard)} packs, came with {len(serials)}"] if len(aboard) != len(serials) else []
    faults += [f"{vin}: left with {s}, which was no charged pack of the station's" for s in aboard if s not in stock]
    faults += [f"{vin}: its old pack {s} is in no bay" for s in serials if s not in in_bays]
    faults += [f"{vin}: pack {s} vanished from its bay" for s in sorted(stock - set(aboard) - in_bays)]
    return faults + _record(vin, serials, aboard, records)


def _record(vin: str, serials: Sequence[str], aboard: Sequence[str], records: Sequence[dict[str, Any]]) -> list[str]:
    if len(records) != 1:
        return [f"{vin}: {len(records)} records"]
    exchanges = records[0]["exchanges"]
    told = {e["serial_out"] for e in exchanges}, {e["serial_in"] for e in exchanges}
    faults = [f"{vin}: recorded as aborted or backed out"] if records[0]["aborted"] or records[0]["backed_out"] else []
    faults += [f"{vin}: recorded out {sorted(told[0])}, truth {sorted(serials)}"] if told[0] != set(serials) else []
    faults += [f"{vin}: recorded in {sorted(told[1])}, truth {sorted(aboard)}"] if told[1] != set(aboard) else []
    return faults
