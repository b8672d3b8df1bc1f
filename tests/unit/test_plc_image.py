"""The status block that is kept and brought up to date says the same as one that is built anew."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import registers
from drivers.reading import Signal
from drivers.register_points import EncodingError
from drivers.registers import SHIPPED, RegisterMap
from drivers.robot_protocol import EchoResult, EchoState, MotionClass, Opcode, RobotState, StopReason
from hil.peers.plc_image import PlcView, StatusImage
from hil.plant.pack import Pack
from hil.plant.world import World
from tests.plc_bench import MAP, PlcBench, make_world

NOISY = {25, 28, 29, 30}
VIEW = PlcView(7, RobotState.READY, StopReason.NONE, 0, 3, 2, EchoState.DONE, EchoResult.OK, 70000, 480, MotionClass(5))
SIGNALS = st.sampled_from(list(Signal))


def document() -> dict[str, Any]:
    return tomllib.loads((SHIPPED / "robot-plc-v2.toml").read_text(encoding="utf-8"))


def quiet(words: tuple[int, ...]) -> list[int]:
    return [w for at, w in enumerate(words) if at not in NOISY]


def _drive(world: World, x_mm: float) -> None:
    world.robot.x.position_mm = x_mm


def _override(world: World, name: str, signal: Signal) -> None:
    world.inputs.overrides[name] = signal


def _smoke(world: World, bay: int, signal: Signal) -> None:
    world.inputs.smoke_clear[bay] = signal


def _lock(world: World, bay: int, position: float) -> None:
    world.bays[bay].lock.position = position


def _pack(world: World, bay: int) -> None:
    world.bays[bay].pack = None if world.bays[bay].pack is not None else Pack("NEWP-00000001", 50.0)


BAYS = st.integers(1, 8)
NAMES = st.sampled_from(["mount.1.locked", "mount.3.seated", "bay.2.occupied", "zone_clear", "robot_home"])
CHANGES: st.SearchStrategy[Callable[[World], object]] = st.one_of(
    st.builds(lambda x: lambda w: _drive(w, x), st.floats(-9000, 9000)),
    st.builds(lambda n, s: lambda w: _override(w, n, s), NAMES, SIGNALS),
    st.just(lambda w: w.inputs.overrides.clear()),
    st.builds(lambda b, s: lambda w: _smoke(w, b, s), BAYS, SIGNALS),
    st.builds(lambda s: lambda w: setattr(w.inputs, "zone_clear", s), SIGNALS),
    st.builds(lambda b, p: lambda w: _lock(w, b, p), BAYS, st.sampled_from([0.0, 0.5, 1.0])),
    st.builds(lambda b: lambda w: _pack(w, b), BAYS),
    st.builds(lambda s: lambda w: w.advance(s), st.sampled_from([0.01, 0.05, 0.5])),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(CHANGES, min_size=1, max_size=12))
def test_a_kept_image_is_the_same_as_a_new_one(changes: list[Callable[[World], object]]) -> None:
    world = make_world(speed=1.0)
    kept = StatusImage(MAP, world)
    for change in changes:
        change(world)
        assert quiet(kept.words(VIEW)) == quiet(StatusImage(MAP, world).words(VIEW))


def test_the_words_decode_to_what_is_so() -> None:
    bench = PlcBench(make_world(speed=20.0))
    bench.do(Opcode.MOVE_TO, destination=2)
    values = MAP.block("status").decode(StatusImage(MAP, bench.world).words(VIEW))
    assert values.points["motions_started"] == 70000 and values.points["permits"] == 5
    assert values.points["x_mm"] == pytest.approx(bench.world.bays[2].x_mm, abs=0.06)
    assert values.points["truck_in_position"] == Signal.TRUE and values.points["robot_home"] == Signal.FALSE
    assert values.groups["bay"][0] == (*(Signal.TRUE,) * 4, Signal.FALSE) and values.groups["bay"][5][0] == Signal.FALSE
    assert set(values.groups["bay"][8]) == {Signal.NOT_AVAILABLE} == set(values.groups["mount"][2])


def test_another_word_order_and_other_places_of_points() -> None:
    there = document()
    there["map"]["word_order"] = "little"
    mount = there["status"]["groups"]["mount"]["points"]
    there["status"]["groups"]["mount"]["points"] = dict(reversed(mount.items()))
    other: RegisterMap = registers.parse(there, "test")
    world = make_world(speed=20.0)
    block = other.block("status")
    values = block.decode(StatusImage(other, world).words(VIEW))
    assert values.points["motions_started"] == 70000
    assert dict(zip(block.groups[0].names, values.groups["mount"][0], strict=True))["unlocked"] == Signal.FALSE


@pytest.mark.parametrize("where", ["points", "bits", "group"])
def test_a_map_with_a_point_nobody_knows_is_refused(where: str) -> None:
    there = document()
    if where == "group":
        there["status"]["groups"]["bay"]["points"]["warm"] = {"bit": 10, "width": 2, "signal": True}
    else:
        kind = {"type": "bits", "bit": 0, "width": 2} if where == "bits" else {"type": "u16"}
        there["status"]["points"]["unheard_of"] = {"at": 35, **kind}
    other = registers.parse(there, "test")
    with pytest.raises(EncodingError, match=r"(warm|unheard_of) is missing"):
        StatusImage(other, make_world()).words(VIEW)
