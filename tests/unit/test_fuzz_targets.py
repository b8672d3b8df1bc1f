"""The fuzzing targets over their own seeds, and over every input that found something once; without the engine."""

from __future__ import annotations

import random
import tomllib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from drivers.charger import Charger
from drivers.charger_status import SetPoint
from drivers.reading import Quality, Reading, Signal
from drivers.transport_wire import data_frame
from drivers.truck_status import TruckStatus
from fuzz import edits, judge, targets
from fuzz.runs import _outcome, stored
from fuzz.tape import Tape
from hil.virtual.config import station_config
from station_ctl.deciders import Deciders

SEEDS = 12  # of a target, evenly picked: the rest is for `make fuzz`
FINDINGS = [(name, path) for name in targets.NAMES for path in stored(name)]


@pytest.mark.parametrize("name", targets.NAMES)
def test_seeds_are_judged_without_a_finding(name: str) -> None:
    target = targets.find(name)
    seeds = list(target.seeds())
    assert seeds and target.WORDS and all(isinstance(word, bytes) and word for word in target.WORDS)
    for data in seeds[:: -(-len(seeds) // SEEDS)]:
        target.one(data)


@pytest.mark.parametrize(("name", "path"), FINDINGS, ids=lambda value: getattr(value, "name", value))
def test_what_was_found_once_is_mended(name: str, path: Path) -> None:
    targets.find(name).one(path.read_bytes())


@pytest.mark.parametrize("name", targets.NAMES)
def test_spoilt_seeds_are_judged_without_a_finding(name: str) -> None:
    target, rng = targets.find(name), random.Random(7)
    for data in sorted(target.seeds(), key=len)[:4]:
        spoilt = bytearray(data)
        for _ in range(1 + len(data) // 50):
            if spoilt:
                spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        target.one(bytes(spoilt))


def _much(charger: Charger, told: SetPoint, counter: int, lease_ms: int) -> tuple[int, ...]:
    """A lease that is longer than what is left."""
    points = {"counter": counter, "lease_ms": lease_ms and 1000, "mode": int(told.mode)}
    limits = {name: getattr(told, name) for name in ("current_a", "voltage_v", "power_w")}
    return charger._command.encode(points | limits)


PLANTED: list[tuple[str, str, Any]] = [
    ("can", "drivers.can_values._SIGNALS", ((Signal.UNTRUSTED, Quality.GOOD),) * 4),
    ("can", "drivers.pack_messages._charging", lambda sample: (float("inf"), sample[1])),
    ("transport", "drivers.transport_send.data_frame", lambda us, to, n, data: data_frame(us, to, n, data[::-1])),
    ("modbus", "drivers.modbus_link._plausible", lambda data: True),
    ("modbus", "drivers.robot_decode.LABELS", {}),
    ("modbus", "drivers.modbus.ModbusClient._link_lost", lambda client: OSError("lost")),
    ("charger", "drivers.modbus_link._plausible", lambda data: True),
    ("charger", "drivers.charger_decode.LABELS", {}),
    ("charger", "drivers.polled.Polled.shown", True),
    ("charger", "drivers.charger.Charger._words", _much),
    ("charger", "station_ctl.charging.seen.ALIVE_S", 100.0),
    ("charger", "station_ctl.charging.grid.Grid.budget_w", lambda *_: 1e9),
    ("charger", "station_ctl.charging.energy.MOST_W", float("inf")),
    ("charger", "station_ctl.charging.energy.advance_wh", lambda before_wh, after_wh: after_wh - before_wh),
    ("register_map", "drivers.register_points.Point.value", lambda point, raw: raw * 2),
    ("mqtt", "station_ctl.uplink.desk.judge", lambda asked, *_: asked),
    ("config", "station_ctl.config.toml.loads", tomllib.loads),
    ("journal", "station_ctl.journal.contradiction", lambda state: ""),
    ("journal", "station_ctl.journal.stable", lambda state: state),
    ("tables", "station_ctl.alarms.catalogue._model", lambda model, row, where: model.model_validate(row)),
    ("scenario", "hil.scenario.load.toml.loads", tomllib.loads),
    ("blackbox", "station_ctl.blackbox.file._BAD", (zlib.error,)),
]


@pytest.mark.parametrize(("name", "place", "defect"), PLANTED, ids=[f"{name} {place}" for name, place, _ in PLANTED])
def test_a_planted_defect_is_found(name: str, place: str, defect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    target, found = targets.find(name), [path.read_bytes() for path in stored(name)]
    monkeypatch.setattr(place, defect)
    assert _finding(target, (*found, *target.seeds()))


def test_no_target_is_without_a_defect_that_it_finds() -> None:
    assert {name for name, *_ in PLANTED} == set(targets.NAMES)


def _finding(target: targets.Target, inputs: Iterable[bytes]) -> str:
    """What the first input that finds something raises; '' if none does."""
    for data in inputs:
        try:
            target.one(data)
        except Exception as e:  # noqa: BLE001  # whatever it is, it is a finding
            return f"{type(e).__name__}: {e}"
    return ""


@pytest.mark.parametrize("name", ["guard", "charger", "watch"])
def test_a_memory_of_another_form_is_refused(name: str, tmp_path: Path) -> None:
    deciders = Deciders.of(station_config(tmp_path))
    for wrong in (5, {}, {"bays": True}, {"kernel": False}, {"latched": []}):
        memory: dict[str, Any] = {**deciders.dump(), name: wrong}
        with pytest.raises(ValueError, match=r"."):
            deciders.load(memory)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(KeyError, match="no target 'cann'"):
        targets.find("cann")


@pytest.mark.parametrize(
    ("reading", "what"),
    [
        (Reading(Signal.UNTRUSTED, Quality.GOOD, 1.0), "good, and yet"),
        (Reading(None, Quality.GOOD, 1.0), "good without a value"),
        (Reading(Signal.TRUE, Quality.NOT_AVAILABLE, 1.0), "not available, and yet"),
        (Reading(Signal.TRUE, Quality.GOOD, 3.0), "received at"),
        (Reading(float("nan"), Quality.UNTRUSTED, 1.0), "nan"),
        (Reading((1.0, float("inf")), Quality.GOOD, 1.0), "inf"),
    ],
)
def test_the_judge_finds_what_a_decoder_must_not_give(reading: Reading[object], what: str) -> None:
    with pytest.raises(judge.Wrong, match=what):
        judge.readings(TruckStatus(hv_off=reading), 2.0)  # type: ignore[arg-type]
    judge.readings(TruckStatus(hv_off=Reading(Signal.TRUE, Quality.GOOD, 1.0)), 2.0)


def test_a_tape_goes_on_with_zeros_and_edits_leave_the_document_alone() -> None:
    tape = Tape(b"\1\2\3")
    assert (tape.word(), tape.byte(), bool(tape), tape.byte(), tape.take(2)) == (0x201, 3, False, 0, b"\0\0")
    document = {"a": {"b": 1, "c": [2, 3]}}
    changed = edits.edited(document, Tape(bytes([1, 0, edits.DELETE])), edits.JSON)
    assert changed == {"a": {"c": [2, 3]}} and document == {"a": {"b": 1, "c": [2, 3]}}
    assert edits.edited(document, Tape(bytes([0, 0, edits.COPY, 1, 0])), edits.TOML) == {"a": 1}


def test_figures_are_read_from_what_the_engine_prints() -> None:
    log = "#7\tNEW cov: 12 ft: 34 corp: 5/1Kb lim: 4 exec/s: 0\n"
    log += "stat::number_of_executed_units: 99\nstat::peak_rss_mb: 61\n"
    clean = _outcome("can", 10.0, log, 0, Path("log.txt"))
    assert (clean.executions, clean.cover, clean.features, clean.corpus, clean.peak_mb) == (99, 12, 34, 5, 61)
    assert clean.finding is None and "clean" in clean.line()
    found = _outcome("can", 10.0, log + "Test unit written to /x/crash-1\n", 77, Path("log.txt"))
    assert found.finding == Path("/x/crash-1") and "FINDING" in found.line()
    assert _outcome("can", 1.0, "", 1, Path("log.txt")).finding == Path("log.txt"), (
        "a run that fails to start is no clean run"
    )
