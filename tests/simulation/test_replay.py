"""A recording is decided again: the same by the same controller; a change of it is found where it first counts."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

import hil.soak.run as soak
from drivers.reading import Signal
from hil.soak.case import Case, Outcome
from station_ctl import cycle as cycle_room
from station_ctl.blackbox.blocks import CHUNK, MARK, blocks
from station_ctl.blackbox.file import make, read
from station_ctl.cli import main
from station_ctl.config import Config, parse
from station_ctl.model.words import PackML
from station_ctl.swap.look import Look
from station_ctl.swap.recovery import Result
from tests.blackbox_support import attached, decided_again, files, recording, swap_under_way
from tests.simulation.ground import Ground
from tests.support import run

LIMIT_KG = 1000.0
"""Less than a pack weighs."""


def kept(folder: Path, seed: int = 1) -> Path:
    """The file of a swap in which somebody walks into the zone."""

    async def station() -> None:
        ground = Ground(seed=seed)
        box = attached(ground, folder)
        await swap_under_way(ground)
        ground.world.inputs.zone_clear = Signal.FALSE
        await ground.until(lambda: ground.state.packml is PackML.ABORTING)
        for _ in range(5):
            await ground.cycle()
        await box.close()

    run(station(), 60.0)
    (path,) = [path for path in files(folder) if "shutdown" not in path.name]
    return path


@pytest.mark.timeout(240)
def test_a_soak_with_faults_on_every_wire_is_decided_again_the_same() -> None:
    """Every file that a soak leaves: trips, kills and restarts, the last one at its shutdown."""
    found: list[bytes] = []
    played = soak._run

    async def keeping(case: Case, folder: Path, arm: soak.Arm) -> Outcome:
        outcome = await played(case, folder, arm)
        found.extend(path.read_bytes() for path in files(folder / "blackbox"))
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soak, "_run", keeping)
        soak.run(Case(2, duration_s=25.0))
    assert found
    for data in found:
        recorded = read(data)
        assert recorded.damage == ()
        assert decided_again(recorded) == []
    assert max(len(list(read(data).cycles)) for data in found) > 400


def test_random_histories_are_decided_again_the_same(tmp_path: Path) -> None:
    """People, doors, links, a disk that fails, verbs at any time: at random moments of swaps."""

    async def station(seed: int, folder: Path) -> None:
        rng, ground = random.Random(seed), Ground(seed=seed)
        box = attached(ground, folder)
        await swap_under_way(ground, rng.choice(["approach_mount", "extract", "stow", "fetch", "lock"]))
        for _ in range(8):
            _disturb(ground, rng)
            for _ in range(rng.randrange(1, 25)):
                await ground.cycle()
        await box.close()

    for seed in range(3):
        folder = tmp_path / str(seed)
        run(station(seed, folder), 60.0)
        for path in files(folder):
            assert decided_again(recording(path)) == [], (seed, path.name)


def _disturb(ground: Ground, rng: random.Random) -> None:
    """One thing goes wrong, or comes right, or is asked."""
    inputs, signal = ground.world.inputs, rng.choice([Signal.TRUE, Signal.TRUE, Signal.FALSE])
    match rng.randrange(6):
        case 0:
            inputs.zone_clear = signal
        case 1:
            inputs.doors_closed = signal
        case 2:
            ground.client.broken = signal is Signal.FALSE
        case 3:
            ground.journal.fail = signal is Signal.FALSE
        case _:
            ground.send(rng.choice(["hold", "resume", "back_out", "abort", "clear", "reset", "clear", "reset"]))


def test_a_changed_limit_is_found_where_it_first_counts(tmp_path: Path) -> None:
    found = recording(kept(tmp_path))
    was = parse(found.head.config, "recorded")
    tighter = was.safety.model_copy(update={"load_kg": LIMIT_KG})
    number, first = decided_again(found, was.model_copy(update={"safety": tighter}))[0]
    assert first.where.startswith("decided.decision")
    lifted = [c.seen.snapshot.robot.load_kg or 0.0 for c in found.cycles if c.seen and c.seen.snapshot.robot]
    assert max(lifted[:number]) <= LIMIT_KG < lifted[number]


def test_a_planted_defect_is_found_with_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path)
    step = cycle_room.step

    def forgets_to_abort(look: Look) -> Result:
        calm = replace(look.decision, latched=False)
        return step(replace(look, decision=calm) if look.decision.tripped else look)

    monkeypatch.setattr(cycle_room, "step", forgets_to_abort)
    number, first = decided_again(recording(path))[0]
    cycle = list(recording(path).cycles)[number]
    assert cycle.after is not None and cycle.after.packml is PackML.ABORTING
    assert first.where == "decided.wanted.packml"
    assert "ABORTING" in first.recorded and "ABORTING" not in first.replayed


def test_a_defect_that_raises_is_a_difference_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kept(tmp_path)

    def broken(_: Look) -> Result:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(cycle_room, "step", broken)
    number, first = decided_again(recording(path))[0]
    assert number == 0 and first.where == "decided" and first.replayed == "None"


def test_memory_that_went_another_way_is_found_at_the_next_chunk(tmp_path: Path) -> None:
    """A recorder or a decider that forgets something would be noticed even if no decision hangs on it yet."""
    path = kept(tmp_path)
    found = recording(path)
    first, second, *rest = found.chunks
    guard = {**second.memory["guard"], "tripped": "something else"}
    changed = replace(found, chunks=(first, replace(second, memory={**second.memory, "guard": guard}), *rest))
    number, difference = decided_again(changed)[0]
    assert number == len(first.cycles) and difference.where == "memory.guard.tripped"


def test_the_verb_shows_the_cause_first_and_tells_same_different_and_unreadable_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(tmp_path)
    assert main(["replay", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("stopped by: ") and "person_in_zone: zone_clear is false" in lines[0]
    assert "safe when" in lines[0] and "clear" in lines[0]
    assert any("station SIM-01, release" in line for line in lines[1:4])
    assert any("asked" in line and "clear by test: accepted" in line for line in lines)
    assert any("command" in line and "LIFT_FROM mount 1" in line for line in lines)
    assert any("first-out" in line and "person_in_zone" in line for line in lines)
    assert lines[-1] == "decided again: the same"

    count = len(list(recording(path).cycles))
    assert main(["replay", "--all", str(path)]) == 0
    assert sum(" s  asked" in line or " s  state" in line for line in capsys.readouterr().out.splitlines()) >= count

    cut = tmp_path / "cut.blackbox"
    cut.write_bytes(path.read_bytes()[:-200])
    assert main(["replay", str(cut)]) == 2
    out = capsys.readouterr().out
    assert "DAMAGED: the end is missing" in out and "person_in_zone" in out.splitlines()[0]

    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"SQLite format 3\x00" * 100)
    assert main(["replay", str(foreign)]) == 2
    assert "is no black box" in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "nothing")]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["replay", str(tmp_path / "empty")]) == 2
    assert "nothing has tripped yet" in capsys.readouterr().err
    newest = tmp_path / "empty" / "newest.blackbox"
    newest.write_bytes(path.read_bytes())
    assert main(["replay", str(newest.parent)]) == 0
    capsys.readouterr()

    step = cycle_room.step
    monkeypatch.setattr(cycle_room, "step", lambda look: replace(step(look), order=None))
    assert main(["replay", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("FIRST DIFFERENCE in cycle ") for line in lines)
    assert any(line.startswith("  recorded: ") for line in lines) and lines[-1].endswith("cycles differ")


def test_another_configuration_can_be_tried_and_another_table_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kept(tmp_path)
    found = recording(path)
    toml = tmp_path / "station.toml"
    toml.write_text(_toml(parse(found.head.config, "recorded"), load_kg=LIMIT_KG))
    assert main(["replay", "--config", str(toml), str(path)]) == 1
    capsys.readouterr()
    other = tmp_path / "other.blackbox"
    other.write_bytes(make(found.head.model_copy(update={"table_sha256": "ab" * 32}), _chunks(path)))
    assert main(["replay", str(other)]) == 0
    assert "tables of causes and limits: ANOTHER ONE, sha256 abababab" in capsys.readouterr().out


def _chunks(path: Path) -> list[bytes]:
    data = path.read_bytes()
    places = [at for at, (kind, _) in blocks(data)[0] if kind == CHUNK]
    ends = [data.find(MARK, at + 1) for at in places]
    return [data[at:end] for at, end in zip(places, ends, strict=True)]


def _toml(config: Config, load_kg: float) -> str:
    places = [("bay", b.number, b.can_address, b.isolation) for b in config.bay]
    text = f'[station]\nid = "{config.station.id}"\n[robot]\nhost = "plc"\n[[can]]\nname = "packs"\n'
    text += f"[safety]\nload_kg = {load_kg}\n"
    for _, number, address, isolation in places:
        text += f"[[bay]]\nnumber = {number}\ncan_address = {address}\nisolation = {str(isolation).lower()}\n"
    for m in config.mount:
        text += f"[[mount]]\nnumber = {m.number}\ncan_address = {m.can_address}\n"
    return text
