"""A smoke run of all that `station-hil bench` and `endurance` do: what they say, not how fast they are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil import bench, endurance
from hil.cli import main as cli
from hil.measure import load, stop
from hil.measure.figures import Section
from hil.measure.trucks import Tally
from tests.support import run

MANY_S = 140.0


def named(section: Section) -> dict[str, float]:
    return {figure.name: figure.value for figure in section.figures}


@pytest.mark.timeout(150)  # a safety net on a busy machine, it takes 20 s
def test_every_part_measures_what_it_says() -> None:
    """All at once, each with a station of its own: they are whole processes, and none of this looks at timings."""

    async def main() -> None:
        asked = replace(bench.SHORT, speed=100.0)
        done: list[int] = []
        loaded, stopped, endured = await asyncio.gather(
            load.measure(asked.minutes, asked.speed, asked.seed, asked.fifo),
            stop.measure(asked.stops, asked.seed),
            endurance.measure(2, 5, 1, done.append),
        )
        _check_load(loaded)
        _check_stops(stopped, asked.stops)
        _check_endurance(endured)
        assert done == [1, 2]

    run(main(), MANY_S)


def _check_load(loaded: load.Load) -> None:
    cycle, swap = load.cycle_section(loaded), load.swap_section(loaded, 100.0)
    figures = named(cycle)
    assert figures["CAN frames received"] > 100
    assert 0 < figures["processor, of one core"] < 200
    assert 10 < figures["resident memory, highest"] < 500
    assert 0 < figures["Modbus round trip p50"] <= figures["Modbus round trip p99"] <= figures["Modbus round trip max"]
    assert cycle.details["bare"]["wakes"] > 20
    held_to = {f.name: f.bar for f in cycle.figures if f.bar is not None}
    assert held_to == {
        "cycle lateness p99": 5.0,
        "overruns": 0,
        "processor, of one core": 15.0,
        "resident memory, highest": 120.0,
    }
    figures = named(swap)
    assert figures["swap, arrival to way out open"] == pytest.approx(
        figures["mechanical floor"] + figures["added by the controller"]
    )
    added = swap.details["added_by_step_s"]
    assert sum(added.values()) == pytest.approx(figures["added by the controller"], abs=0.05)
    assert {"position", "stow", "reconnect"} <= set(added)
    assert swap.details["outcome"] == "completed"


def _check_stops(stopped: Section, wanted: int) -> None:
    for kind in stop.KINDS:
        latencies_ms = stopped.details[kind]["latencies_ms"]
        assert len(latencies_ms) >= wanted and all(v > 0 for v in latencies_ms)
        assert named(stopped)[f"{kind}: without a stop"] == 0


def _check_endurance(endured: Tally) -> None:
    assert endured.faults == []
    assert endurance.good(endured, 2) and not endurance.good(endured, 3)
    assert endured.swaps == 2 and endured.wire["cut"] >= 2
    assert endured.executed == endured.motions >= 2 * 13
    assert endured.wire["dropped_replies"] >= 1


def test_the_kernel_is_timed_on_a_swap_under_way_and_written_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "figures.json"
    assert cli(["bench", "--short", "--only", "kernel", "--json", str(target)]) == 0
    assert "all bars held" in capsys.readouterr().out
    whole: dict[str, Any] = json.loads(target.read_text())
    (section,) = whole["sections"]
    assert whole["held"] is True and section["name"] == "kernel"
    assert section["details"]["packs_monitored"] == 8
    assert section["details"]["state"].startswith("Execute")
    figures = {figure["name"]: figure["value"] for figure in section["figures"]}
    assert 0 < figures["Interlock.judge p50"] / 1e3 < figures["Guard.judge with packing p50"]
    assert figures["Guard.judge with packing p50"] < figures["control cycle without I/O p50"]


def test_the_charge_estimator_is_timed_beside_its_peers(capsys: pytest.CaptureFixture[str]) -> None:
    cost = pytest.importorskip("hil.soc.cost")  # without filterpy it cannot be imported
    section = cost.measure(400)
    figures = named(section)
    assert all(value > 0 for value in figures.values())
    assert figures["one look, full bank"] < figures["filterpy's UKF, an update"]
    assert {f.name: f.bar for f in section.figures if f.bar is not None} == {
        "one frame: charge, 2 lags, branch": 60,
        "one hypothesis in a look": 150,
        "one look, full bank": 25,
        "20 packs at 10 Hz, of one core": 2,
    }
    assert cli(["bench", "--short", "--only", "soc"]) in (0, 1)  # a busy machine may miss a bar
    assert "filterpy's UKF" in capsys.readouterr().out


def test_an_unknown_section_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli(["bench", "--only", "cycle,swop"])
    assert "no section swop" in capsys.readouterr().err
