"""JUnit XML: what a CI system counts and shows."""

from __future__ import annotations

from xml.etree import ElementTree

from hil.record import Violation
from hil.report.junit import junit
from tests.report_examples import failed, hostile, passed


def test_suites_by_ground_with_their_counts() -> None:
    top = ElementTree.fromstring(junit([passed(), failed(), passed(seed=5), failed(ground="virtual")]))
    assert (top.tag, top.get("tests"), top.get("failures")) == ("testsuites", "4", "2")
    suites = {s.get("name"): s for s in top}
    assert list(suites) == ["station-hil.local", "station-hil.virtual"]
    virtual = suites["station-hil.virtual"]
    assert (virtual.get("tests"), virtual.get("failures"), virtual.get("errors")) == ("3", "1", "0")
    assert virtual.get("time") == "0.750"
    assert len(virtual.findall("testcase/failure")) == 1


def test_a_case_tells_what_it_was_and_how_to_repeat_it() -> None:
    case = ElementTree.fromstring(junit([passed()])).find("testsuite/testcase")
    assert case is not None
    assert (case.get("classname"), case.get("name")) == ("station-hil.virtual", "swap[seed 4]")
    told = {p.get("name"): p.get("value") for p in case.iterfind("properties/property")}
    assert told["seed"] == "4"
    assert told["version.station-ctl"] == "0.1.0"
    assert told["log_hash"] == "ab12"
    assert told["duration_s"] == "60.000"
    assert told["measured.stop latency p99"] == "61 ms"
    assert told["repeat"] == "station-hil run swap --ground virtual --seed 4"


def test_a_failure_names_violations_and_missed_limits() -> None:
    failure = ElementTree.fromstring(junit([failed()])).find("testsuite/testcase/failure")
    assert failure is not None and failure.text is not None
    assert failure.get("type") == "violation"
    assert failure.get("message") == "permit_without_input: 30.00 s: permit travel without zone_clear (and 1 more)"
    assert "reaction: measured 150 ms, limit at most 100 ms" in failure.text


def test_a_missed_limit_alone_is_a_failure() -> None:
    failure = ElementTree.fromstring(junit([failed(violations=[])])).find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("type") == "limit"


def test_the_same_violation_every_cycle_is_counted_and_many_are_cut() -> None:
    again = [Violation(i * 0.05, "permit_without_input", "the same") for i in range(500)]
    various = [Violation(i * 0.05, "conserved", f"pack {i}") for i in range(500)]
    document = junit([failed(violations=again + various)])
    assert "(500 times, first then)" in document
    assert "402 more, all in record.jsonl" in document
    assert len(document) < 15_000


def test_hostile_text_stays_text() -> None:
    top = ElementTree.fromstring(junit([hostile()]))
    assert [e.tag for e in top.iter() if e.tag in ("script", "img")] == []
    case = top.find("testsuite/testcase")
    assert case is not None
    assert "</script><script src=" in str(case.get("name"))
    assert "\x00" not in str(case.get("name"))


def test_no_runs_are_a_document_too() -> None:
    assert ElementTree.fromstring(junit([])).get("tests") == "0"
