"""Records as JSON lines: exactly what was written comes back, and nothing else is taken for a record."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from hil.record import Record
from hil.report import codec
from hil.report.codec import BadRecord
from hil.report.write import read, write
from tests.report_examples import RECORDS, failed, hostile, passed


@given(RECORDS)
def test_any_record_comes_back_exactly(record: Record) -> None:
    text = json.dumps(codec.plain(record))
    assert codec.record(json.loads(text), "test") == record


@settings(max_examples=25)
@given(RECORDS)
def test_any_record_can_be_reported(record: Record) -> None:
    with TemporaryDirectory() as folder:
        write([record, record], Path(folder) / "new" / "folder")
        assert read(Path(folder) / "new" / "folder") == [record, record]


def test_the_three_files_are_written_and_old_ones_replaced(tmp_path: Path) -> None:
    write([failed(), passed(), hostile()], tmp_path)
    write([failed(), passed()], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["junit.xml", "record.jsonl", "report.html"]
    assert read(tmp_path) == read(tmp_path / "record.jsonl") == [failed(), passed()]
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("tests") == "2"
    assert (tmp_path / "report.html").read_text("utf-8").endswith("</html>\n")


def test_no_runs_are_a_report_too(tmp_path: Path) -> None:
    write([], tmp_path)
    assert read(tmp_path) == []
    assert "No runs" in (tmp_path / "report.html").read_text("utf-8")


def _changed(**fields: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(codec.plain(passed())))
    return plain | fields


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ([], "not an object"),
        ({"scenario": "swap"}, "missing"),
        (_changed(colour="red"), "colour"),
        (_changed(seed="7"), "seed"),
        (_changed(seed=True), "seed"),
        (_changed(ground="moon"), "ground"),
        (_changed(samples=[]), "samples"),
        (_changed(events={"columns": ["at_s", "kind", "text"], "rows": [[1.0, "step"]]}), "events row 1"),
        (_changed(events={"columns": ["at_s", "kind", "text"], "rows": [["1", "step", ""]]}), "events row 1: at_s"),
        (_changed(histograms={"cycle": 3.0}), "histograms"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(raw: object, says: str, tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(json.dumps(codec.plain(passed())) + "\n" + json.dumps(raw) + "\n")
    with pytest.raises(BadRecord, match=says) as caught:
        read(file)
    assert f"{file}:2" in str(caught.value)


def test_a_torn_last_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_text(json.dumps(codec.plain(passed()))[:-40])
    with pytest.raises(BadRecord, match=r"jsonl:1: not JSON"):
        read(file)


def test_columns_that_an_older_file_lacks_take_their_default() -> None:
    rows = {"columns": ["name", "text", "from_s"], "rows": [["can.loss", "20 %", 5.0]]}
    assert codec.record(_changed(faults=rows), "test").faults[0].until_s is None
