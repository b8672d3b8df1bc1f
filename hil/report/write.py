"""A report's folder: junit.xml for CI, report.html for people, record.jsonl with everything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hil.record import Record
from hil.report import codec
from hil.report.codec import BadRecord
from hil.report.html import html
from hil.report.junit import junit

JUNIT, PAGE, RECORDS = "junit.xml", "report.html", "record.jsonl"


def write(records: Sequence[Record], folder: Path) -> None:
    """Write the three files; the folder is made, older files are replaced. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(codec.plain(record), separators=(",", ":")) + "\n" for record in records)
    with (folder / RECORDS).open("w", encoding="ascii", newline="\n") as out:
        out.writelines(lines)
    (folder / JUNIT).write_text(junit(records), "utf-8")
    (folder / PAGE).write_text(html(records), "utf-8")


def read(path: Path) -> list[Record]:
    """Records of a record.jsonl (or of the folder with it). Raises OSError, or BadRecord naming file and line."""
    file = path / RECORDS if path.is_dir() else path
    with file.open(encoding="utf-8") as lines:
        return [_record(line, f"{file}:{number}") for number, line in enumerate(lines, 1)]


def _record(line: str, where: str) -> Record:
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise BadRecord(f"not JSON: {error}", where=where) from None
    return codec.record(raw, where)
