"""When the black box is written, what it holds, and that no disk harms the cycle."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.reading import Signal
from station_ctl import whole_file
from station_ctl.blackbox import box as box_room
from station_ctl.blackbox import store
from station_ctl.blackbox.lines import cause_line
from station_ctl.blackbox.trip import trip
from station_ctl.cycle import Cycle
from station_ctl.model.words import PackML
from tests.blackbox_support import Here, attached, files, recording, swap_under_way
from tests.simulation.ground import Ground
from tests.support import run

AFTER_S = 2.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds after a trip are two here."""
    assert (box_room.AFTER_S, box_room.LONGEST_S) == (10.0, 60.0)
    monkeypatch.setattr(box_room, "AFTER_S", AFTER_S)


async def tripped(folder: Path, **section: object) -> tuple[Ground, box_room.BlackBox, Here]:
    """Somebody has walked into the zone while the robot carries a pack; the worker of the box beside it."""
    ground, worker = Ground(), Here()
    box = attached(ground, folder, worker, **section)
    await swap_under_way(ground)
    ground.world.inputs.zone_clear = Signal.FALSE
    await ground.until(lambda: ground.state.packml is PackML.ABORTING)
    return ground, box, worker


async def pass_by(ground: Ground, seconds: float) -> None:
    end_s = ground.now_s + seconds
    while ground.now_s < end_s:
        await ground.cycle()


def test_a_trip_is_on_disk_at_once_and_again_later_with_what_came_after(tmp_path: Path) -> None:
    async def main() -> None:
        ground, box, _ = await tripped(tmp_path)
        (path,) = files(tmp_path)
        at_once = list(recording(path).cycles)
        assert at_once[-1].after == ground.state, "the cycle of the trip is the last one"
        await pass_by(ground, AFTER_S + 0.2)
        assert files(tmp_path) == [path]
        found = recording(path)
        assert found.damage == () and box.counters.written == 2
        times = [c.seen.snapshot.now_s for c in found.cycles if c.seen]
        assert times[-1] - times[len(at_once) - 1] >= AFTER_S
        assert [w.split(" ", 1)[1].split(":")[0] for w in found.head.why] == ["person_in_zone"]
        assert "zone_clear is false" in cause_line(found)
        await pass_by(ground, 5.0)
        assert box.counters.written == 2, "one trip, one file, written twice"

    run(main())


def test_a_second_trip_meanwhile_is_added_to_the_same_file_and_a_later_one_opens_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box_room, "AFTER_S", 10.0)

    async def main() -> None:
        ground, box, _ = await tripped(tmp_path)
        ground.world.inputs.zone_clear = Signal.TRUE
        await ground.reaches("Aborted")
        ground.send("clear")
        await ground.reaches("Stopped")
        ground.send("reset")
        await ground.reaches("Held")
        ground.send("resume")
        await ground.until(lambda: ground.state.pending is not None)
        ground.world.inputs.doors_closed = Signal.FALSE
        await ground.until(lambda: ground.state.packml is PackML.ABORTING)
        (path,) = files(tmp_path)
        why = recording(path).head.why
        assert len(why) == 2 and "person_in_zone" in why[0] and "door" in why[1]
        await pass_by(ground, 11.0)
        ground.world.inputs.doors_closed = Signal.TRUE
        ground.send("clear")
        await ground.reaches("Stopped")
        box.ask("SIGUSR1")
        await pass_by(ground, 0.2)
        assert len(files(tmp_path)) == 2

    run(main())


def test_a_trip_while_the_disk_is_busy_is_written_after_it(tmp_path: Path) -> None:
    async def main() -> None:
        ground, box, worker = await tripped(tmp_path)
        worker.hung = True
        box.ask("SIGUSR1")
        await ground.cycle()
        stuck = box._writer._writing
        assert stuck is not None
        box._tripped("another trip while it writes")
        await ground.cycle()
        assert box._writer._writing is stuck and box._open is not None and box._open.due
        worker.release()
        await ground.cycle()
        await ground.cycle()
        assert any(why.endswith("another trip while it writes") for why in recording(files(tmp_path)[0]).head.why)

    run(main())


def test_a_full_disk_is_counted_and_told_and_tried_again_and_harms_no_cycle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written = whole_file.write

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        monkeypatch.setattr(whole_file, "write", full)
        ground, box, _ = await tripped(tmp_path)
        cycles = ground.runner.health.failed_cycles
        await pass_by(ground, AFTER_S + 1.0)
        assert box.counters.failed == 2 and "No space left" in box.counters.trouble
        assert files(tmp_path) == [] and ground.runner.health.failed_cycles == cycles
        assert "No space left" in caplog.text
        monkeypatch.setattr(whole_file, "write", written)
        await pass_by(ground, AFTER_S + 1.0)
        assert box.counters.written == 1 and box.counters.trouble == ""
        assert "zone_clear is false" in cause_line(recording(files(tmp_path)[0]))

    run(main())


def test_a_disk_that_stays_full_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_room, "LONGEST_S", 5.0)
    (tmp_path / "no folder").write_text("a file in its place")

    async def main() -> None:
        ground, box, _ = await tripped(tmp_path / "no folder")
        await pass_by(ground, 12.0)
        assert box.counters.failed == 4 and box.counters.written == 0

    run(main())


def test_a_defect_of_the_recorder_switches_it_off_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError("a defect")

    async def main() -> None:
        ground = Ground()
        box = attached(ground, tmp_path)
        monkeypatch.setattr(box_room, "trip", broken)
        await ground.ready()
        assert box.counters.trouble == "off: ZeroDivisionError: a defect"
        assert caplog.text.count("the black box failed") == 1

    run(main())


def test_the_last_minutes_are_kept_at_shutdown_in_one_file_only(tmp_path: Path) -> None:
    async def main() -> None:
        for _ in range(2):
            ground = Ground()
            box = attached(ground, tmp_path)
            await ground.ready()
            await box.close()
            assert box.counters.written == 1
        (path,) = files(tmp_path)
        assert path.name == "SIM-01-shutdown.blackbox"
        assert "first_start" not in cause_line(recording(path)), "nothing stopped it"

    run(main())


def test_a_person_can_ask_for_the_last_minutes(tmp_path: Path) -> None:
    async def main() -> None:
        ground = Ground()
        box = attached(ground, tmp_path)
        await ground.ready()
        box.ask("SIGUSR1")
        await ground.cycle()
        (path,) = files(tmp_path)
        assert recording(path).head.why[0].endswith("asked by SIGUSR1")

    run(main())


def test_what_is_a_trip(tmp_path: Path) -> None:
    async def main() -> None:
        ground, cycles = Ground(), []
        ground.runner.on_end = cycles.append
        await swap_under_way(ground)
        assert [trip(a, b) for a, b in pairwise(cycles) if trip(a, b)] == [], "nothing yet"
        calm = cycles[-1]
        assert calm.decided is not None
        assert trip(calm, replace(calm, failed="ValueError: x")) == "the control cycle failed: ValueError: x"
        assert trip(calm, replace(calm, failed="cancelled")) == ""
        again = replace(calm, failed="ValueError: x")
        assert trip(again, again) == "", "a defect that goes on is one trip"
        assert trip(again, replace(calm, failed="ValueError: y")) != ""
        place = next(iter(ground.runner._addresses))
        hot = replace(calm.decided.decision, thermal={place: "61 degC"})
        assert "61 degC" in trip(calm, replace(calm, judged=None, decided=replace(calm.decided, decision=hot)))
        assert trip(None, Cycle(ground.state)) == ""
        ground.send("abort")
        await ground.until(lambda: ground.state.packml is PackML.ABORTING)
        assert trip(cycles[-2], cycles[-1]) == "asked_abort: abort asked by test"

    run(main())


def test_a_write_that_fails_leaves_the_old_file_whole_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.blackbox"
    whole_file.write(path, b"old")

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match="Input/output"):
            whole_file.write(path, b"new, and longer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    whole_file.write(path, b"new")
    assert path.read_bytes() == b"new"


def test_old_files_go_by_number_and_by_size_and_the_new_one_stays(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / f"{number}.blackbox"
        whole_file.write(path, bytes(1_000_000))
        os.utime(path, (1000 + number, 1000 + number))
    newest = tmp_path / "0.blackbox"  # the wall clock was set back: the one just written looks oldest
    gone = store.prune(tmp_path, [newest], 4, 100.0)
    assert [p.name for p in gone] == ["2.blackbox", "1.blackbox"]
    store.prune(tmp_path, [newest], 100, 2.5)
    assert [p.name for p in files(tmp_path)] == ["0.blackbox", "5.blackbox"]
    assert store.unused(tmp_path, "0") == tmp_path / "0-2.blackbox"


async def cleared(ground: Ground) -> None:
    ground.send("clear")
    await ground.reaches("Stopped")
    await pass_by(ground, 0.5)


def test_a_refused_clear_makes_no_file_and_is_no_trip(tmp_path: Path) -> None:
    async def main() -> None:
        ground, box, _ = await tripped(tmp_path)
        await pass_by(ground, AFTER_S + 2.0)
        assert len(files(tmp_path)) == 1
        first = files(tmp_path)[0].read_bytes()
        for _ in range(3):  # the person in the zone is still there
            sent = ground.send("clear")
            await pass_by(ground, 5.0)
            assert ground.verdicts(sent) == ["accepted", "failed"] and ground.state.packml is PackML.ABORTED
        assert [path.read_bytes() for path in files(tmp_path)] == [first] and box.counters.written == 2

    run(main())


def test_what_nobody_has_cleared_is_not_deleted_for_what_comes_later(tmp_path: Path) -> None:
    async def main() -> None:
        ground, box, _ = await tripped(tmp_path, files=2)
        await pass_by(ground, AFTER_S + 1.0)
        (evidence,) = files(tmp_path)
        for _ in range(4):
            box.ask("SIGUSR1")
            await pass_by(ground, AFTER_S + 1.0)
        assert len(files(tmp_path)) == 2 and evidence in files(tmp_path)
        ground.world.inputs.zone_clear = Signal.TRUE
        await cleared(ground)
        for _ in range(2):
            box.ask("SIGUSR1")
            await pass_by(ground, AFTER_S + 1.0)
        assert len(files(tmp_path)) == 2 and evidence not in files(tmp_path)

    run(main())


def test_a_restart_that_nobody_has_cleared_keeps_the_last_file_of_the_life_before(tmp_path: Path) -> None:
    async def main() -> None:
        old = tmp_path / "SIM-01-2026-01-01T000000.000Z.blackbox"
        whole_file.write(old, b"what stopped it before")
        whole_file.write(tmp_path / "SIM-01-shutdown.blackbox", b"")
        for path, at in ((old, 1000), (tmp_path / "SIM-01-shutdown.blackbox", 2000)):
            os.utime(path, (at, at))
        ground = Ground()
        box = attached(ground, tmp_path, files=2)
        await ground.reaches("Aborted")
        for _ in range(4):
            box.ask("SIGUSR1")
            await pass_by(ground, AFTER_S + 1.0)
        assert old in files(tmp_path)
        await ground.ready()
        for _ in range(3):
            box.ask("SIGUSR1")
            await pass_by(ground, AFTER_S + 1.0)
        assert old not in files(tmp_path)

    run(main())


def test_a_disk_that_does_not_answer_is_trouble_until_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        ground = Ground()
        worker = Here()
        box = attached(ground, tmp_path, worker)
        await ground.ready()
        worker.hung = True
        box.ask("SIGUSR1")
        await pass_by(ground, 9.0)
        assert box.trouble == ""
        await pass_by(ground, 2.0)
        assert box.trouble == "the disk has not answered for 10 s"
        worker.release()
        await pass_by(ground, AFTER_S + 1.0)
        assert box.trouble == ""

    run(main())
