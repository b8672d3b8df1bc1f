"""The watch over swap records: what the journal says was exchanged, against what came with a truck and what left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hil.watch.findings import Findings
from station_ctl.uplink.record_messages import SwapRecord

Row = Mapping[str, Any]
"""A record of the journal, as its JSON says it."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One truck's visit, by the plant's own truth.

    came, left: serials by mount. from_bay: where each pack stood when the truck came; to_bay: when it had left.
    """

    vin: str
    came: Mapping[int, str]
    left: Mapping[int, str] = field(default_factory=dict)
    from_bay: Mapping[str, int] = field(default_factory=dict)
    to_bay: Mapping[str, int] = field(default_factory=dict)

    @property
    def changed(self) -> dict[int, tuple[str | None, str | None, int | None, int | None]]:
        """By mount: serial out and in, bay in and out; None where the plant does not know."""
        mounts = [m for m in sorted({*self.came, *self.left}) if self.came.get(m) != self.left.get(m)]
        found = {}
        for m in mounts:
            out, into = self.came.get(m), self.left.get(m)
            found[m] = (out, into, self.to_bay.get(out or ""), self.from_bay.get(into or ""))
        return found


def records(findings: Findings, visits: Sequence[Visit], rows: Sequence[Row], open_vin: str | None) -> None:
    """Each truck whose packs changed has exactly one record, and it is true. open_vin: whose swap is still open."""
    for vin in dict.fromkeys([*(v.vin for v in visits), *(r["vin"] for r in rows)]):
        seen = [v for v in visits if v.vin == vin]
        of_it = [r for r in rows if r["vin"] == vin]
        if vin == open_vin:  # its truck may have left, or not yet: the record is written when a person has looked
            continue
        changed, said = [v for v in seen if v.changed], [r for r in of_it if _exchanged(r)]
        once = len(changed) == len(said) or (not seen and len(said) <= 1)
        findings.judge("a swap not recorded exactly once", once, partial(_counted, vin, changed, said))
        true = all(any(_true(row, visit) for visit in seen) for row in of_it) if seen else True
        findings.judge("a swap record that is not true", true, partial(_compared, seen, of_it))


def told(findings: Findings, published: Sequence[SwapRecord], rows: Sequence[Row]) -> None:
    """What is published of a swap is what the journal holds."""
    by_id = {row["id"]: row for row in rows}
    for record in published:
        row = by_id.get(record.swap_id)
        same = row is not None and (record.vin, record.outcome, _published(record)) == (
            row["vin"],
            _outcome(row),
            _installed(row),
        )
        findings.judge("a swap record told that is not in the journal", same, partial(_told, record, row))


def _published(record: SwapRecord) -> dict[int, tuple[Any, ...]]:
    return {e.mount: (e.serial_out, e.serial_in, e.bay_in, e.bay_out) for e in record.exchanges}


def _installed(row: Row) -> dict[int, tuple[Any, ...]]:
    """The exchanges that took place, by mount; a truck's own pack put back is one of them."""
    done = [e for e in row["exchanges"] if e["mount"] in row["installed"]]
    return {e["mount"]: (e["serial_out"] or None, e["serial_in"] or None, e["bay_in"], e["bay_out"]) for e in done}


def _exchanged(row: Row) -> dict[int, tuple[Any, ...]]:
    return {m: e for m, e in _installed(row).items() if e[0] != e[1]}


def _outcome(row: Row) -> str:
    return "aborted" if row["aborted"] else "backed_out" if row["backed_out"] else "completed"


def _true(row: Row, visit: Visit) -> bool:
    """Whether a record fits a visit; one of a swap that was ended by hand may lack what was done by hand."""
    said, changed = _exchanged(row), visit.changed
    own = [m for m in _installed(row) if m not in said]
    if any(visit.left.get(m) != visit.came.get(m) for m in own) and _outcome(row) != "aborted":
        return False
    if not said:  # given up before anything was exchanged; another swap of the same visit may have done it
        return _outcome(row) != "completed"
    whole = set(said) == set(changed) or (_outcome(row) == "aborted" and set(said) <= set(changed))
    return whole and all(_fits(said[m], changed[m]) for m in said)


def _fits(said: tuple[Any, ...], truth: tuple[Any, ...]) -> bool:
    return all(t is None or s == t for s, t in zip(said, truth, strict=True))


def _counted(vin: str, changed: Sequence[Visit], said: Sequence[Row]) -> str:
    return f"{vin}: packs changed in {len(changed)} visits, recorded: {[row['id'] for row in said]}"


def _compared(seen: Sequence[Visit], rows: Sequence[Row]) -> str:
    return f"recorded {[(_outcome(r), _installed(r)) for r in rows]}, in truth {[v.changed for v in seen]}"


def _told(record: SwapRecord, row: Row | None) -> str:
    there = (_outcome(row), _installed(row)) if row is not None else None
    return f"{record.swap_id}: told {record.outcome} {_published(record)}, journal {there}"
