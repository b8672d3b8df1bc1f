"""The page: well-formed, self-contained, proof against hostile text, bounded in size."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from hil.record import Event, Record, Sample, Span, Violation
from hil.report.html import html
from tests.report_examples import failed, hostile, passed, samples

_VOID = {"meta"}
_LOADS = {"src", "srcset", "data", "action", "poster", "background", "xlink:href"}


@dataclass
class Element:
    """What the parser found of one element."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a page; fails on ends that do not match their start."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def named(self, name: str, kind: str = "") -> list[Element]:
        """Elements of a name, and of a class."""
        return [e for e in self.elements if e.name == name and kind in ("", *e.attributes.get("class", "").split())]


def parsed(records: list[Record]) -> Page:
    """The page of these records, parsed to its end."""
    page = Page()
    page.feed(html(records))
    page.close()
    assert page.open == []
    return page


@pytest.mark.parametrize("record", [passed(), failed(), hostile(), Record("empty", "", "rig", 0, "")])
def test_the_page_is_well_formed_and_loads_nothing(record: Record) -> None:
    page = parsed([record, passed()])
    assert {e.name for e in page.elements} & {"script", "link", "img", "iframe", "object", "image", "use"} == set()
    for element in page.elements:
        assert not _LOADS & set(element.attributes)
        assert not any(name.startswith("on") for name in element.attributes)
        assert element.attributes.get("href", "#").startswith("#")
    style = page.named("style")[0].text
    assert "http" not in style and "@import" not in style
    assert re.findall(r"url\((.*?)\)", style) == ["#hatch"]


def test_links_of_the_table_lead_to_their_runs() -> None:
    page = parsed([passed(), failed(), passed(seed=9)])
    links = [(e.attributes["href"][1:], e.text) for e in page.named("a")]
    ids = [e.attributes["id"] for e in page.elements if e.attributes.get("id", "").startswith("run-")]
    assert [target for target, _ in links] == ids == ["run-1", "run-2", "run-3"]
    assert links[0][1] == "zone-entered"


def test_failed_runs_are_first_and_open() -> None:
    runs = parsed([passed(), failed(), passed(seed=9)]).named("details", "run")
    assert ["open" in e.attributes for e in runs] == [True, False, False]
    assert "open" in parsed([passed()]).named("details", "run")[0].attributes


def test_the_summary_tells_what_was_run() -> None:
    header = parsed([passed(), failed()]).named("header")[0].text
    for told in ("1 of 2 runs failed", "virtual (1)", "local (1)", "0.1.0", "4 of 5", "240 times real time"):
        assert told in header
    assert "All 2 runs passed" in parsed([passed(), passed()]).named("h1")[0].text


def test_a_run_shows_its_figures_limits_and_how_to_repeat_it() -> None:
    run = parsed([failed()]).named("details", "run")[0].text
    for told in (
        "station-hil run zone-entered --ground local --seed 7",
        "permit travel without zone_clear",
        "measured 150 ms, limit at most 100 ms",
        "people.zone: light curtain",
        "person in the zone",
        "p50 0.749 ms",
        "ab12",
    ):
        assert told in run


def test_a_scenario_name_is_quoted_for_the_shell() -> None:
    codes = [e.text for e in parsed([passed(scenario="a; rm -rf ~")]).named("code")]
    assert "station-hil run 'a; rm -rf ~' --ground virtual --seed 4" in codes


def test_violations_and_faults_go_through_all_lanes() -> None:
    page = parsed([failed()])
    height = float(page.named("svg", "lanes")[0].attributes["height"])
    ends = [float(e.attributes["d"].split("V")[1]) for e in page.named("path", "violated")]
    assert ends == [12.0, height]  # in the strip of the table, and in the time line
    assert len(page.named("rect", "shade")) == len(page.named("rect", "fault")) == 2
    assert page.named("path", "violated")[1].text == "30 s  permit_without_input: permit travel without zone_clear"


def test_more_faults_at_a_time_than_there_is_room_for_words_are_all_drawn() -> None:
    many = [Span("can.loss", f"bus {i}", i / 10) for i in range(14)]
    page = parsed([passed(faults=many)])
    assert len(page.named("rect", "fault")) == 14
    words = [e for e in page.named("text", "halo") if e.text.startswith("can.loss")]
    assert len(words) == len({e.attributes["y"] for e in words}) == 10


def test_labels_of_marks_do_not_run_into_each_other() -> None:
    found = [Event(i / 3, "command", f"command number {i}") for i in range(180)]
    page = parsed([passed(events=found)])
    marks = [e for e in page.elements if e.name == "g" and e.attributes.get("transform", "").startswith("translate(")]
    places: dict[str, list[tuple[float, float]]] = {}
    for mark in marks:
        shown = re.search(r"(command number \d+)$", mark.text)
        x, y = mark.attributes["transform"][10:-1].split()
        if shown and x != "0" and mark.text.count("command number") == 2:
            places.setdefault(y, []).append((float(x), float(x) + 7 + 5.0 * len(shown[1])))
    assert len(places) == 3
    for row in places.values():
        assert all(right <= left for (_, right), (left, _) in pairwise(row))


def test_two_hundred_runs_stay_below_ten_megabytes() -> None:
    events = [Event(i / 10, "command", f"command {i}") for i in range(1200)]
    busy = [replace(s, step=f"step {i // 5}") for i, s in enumerate(samples(60.0))]
    records = [failed(seed=i, samples=busy, events=events, duration_s=60.0) for i in range(150)]
    page = html([*records, *(passed(seed=i) for i in range(50))])
    assert len(page.encode()) < 10_000_000
    assert page.count('class="timeline"') < 150 < page.count("left out to keep this page small")


def test_a_long_run_with_a_violation_each_cycle_stays_small() -> None:
    still = [Sample(i / 10, "Execute", "stow", 0.0, 0.0, i % 2 * 9.0, 3.0, ("travel",) * (i % 2)) for i in range(36000)]
    broken = [Violation(i / 20, "permit_without_input", f"cycle {i}") for i in range(20000)]
    page = html([passed(samples=still, violations=broken, duration_s=3600.0)])
    assert len(page.encode()) < 1_000_000
