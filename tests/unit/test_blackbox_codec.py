"""Every value that is recorded comes back bit for bit, whole or as a change of another one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.pack_status import PackIdentity, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import MotionClass, Opcode, RobotCommand
from station_ctl.blackbox.codec import Codec
from station_ctl.blackbox.kinds import UNCHANGED
from station_ctl.cycle import Cycle
from station_ctl.model.look import Decision
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason

numbers = st.floats(width=64) | st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan]) | st.integers(0, 10**9)
texts = st.text(max_size=8)
readings = st.builds(Reading, numbers | st.none(), st.sampled_from(Quality), numbers, st.sampled_from(["", "V", "°C"]))
signals = st.builds(Reading, st.sampled_from(Signal), st.sampled_from(Quality), numbers, st.just(""))
identities = st.builds(
    Reading,
    st.none() | st.builds(PackIdentity, texts, st.integers(0, 255), numbers, numbers, st.integers(0, 99)),
    st.sampled_from(Quality),
    numbers,
    st.just(""),
)
packs = st.builds(
    PackStatus,
    st.integers(0, 253),
    heard_s=numbers,
    identity=identities,
    soc_pct=readings,
    thermal_event=signals,
    cell_voltages_v=st.builds(
        Reading, st.none() | st.lists(st.floats(), max_size=5).map(tuple), st.just(Quality.GOOD), numbers, st.just("V")
    ),
)
places = st.builds(bay, st.integers(1, 24)) | st.builds(mount, st.integers(1, 3))
decisions = st.builds(
    Decision,
    st.integers(0, 255).map(MotionClass),
    st.booleans(),
    st.integers(0, 2),
    st.none() | texts,
    st.dictionaries(texts, st.integers(0, 255).map(MotionClass), max_size=3),
    thermal=st.dictionaries(places, texts, max_size=3),
)
commands = st.builds(RobotCommand, st.integers(0, 65535), st.sampled_from(Opcode), st.integers(0, 103))
states = st.builds(
    StationState,
    st.sampled_from(PackML),
    texts,
    st.none() | st.builds(Reason, texts, texts),
    pending=st.none() | commands,
    step_since_s=numbers,
    quarantined=st.dictionaries(texts, texts, max_size=3),
)


def through(kind: Any, value: Any) -> Any:
    return kind.read(json.loads(json.dumps(kind.write(value))))


@pytest.mark.parametrize(("made", "values"), [(PackStatus, packs), (Decision, decisions), (StationState, states)])
def test_what_is_written_is_read_and_a_change_leads_from_one_to_the_other(made: type, values: Any) -> None:
    kind = Codec().of(made)

    @given(values, values)
    def check(old: Any, new: Any) -> None:
        assert repr(through(kind, old)) == repr(old)  # repr tells 0.0 from -0.0, 1 from 1.0, and NaN is NaN
        change = kind.change(old, new)
        if change is UNCHANGED:
            assert repr(old) == repr(new)
        else:
            assert repr(kind.follow(old, json.loads(json.dumps(change)))) == repr(new)

    check()


def test_what_is_the_same_costs_nothing_and_a_change_tells_only_what_changed() -> None:
    kind = Codec().of(PackStatus)
    old = PackStatus(0xB1, soc_pct=Reading(80.0, Quality.GOOD, 1.0, "%"))
    assert kind.change(old, PackStatus(0xB1, soc_pct=Reading(80.0, Quality.GOOD, 1.0, "%"))) is UNCHANGED
    place = [f.name for f in fields(PackStatus)].index("soc_pct")
    changed = kind.change(old, PackStatus(0xB1, soc_pct=Reading(80.0, Quality.GOOD, 2.0, "%")))
    assert changed == {str(place): {"2": 2.0}}


def test_every_part_of_a_cycle_has_a_form() -> None:
    codec = Codec()
    codec.of(Cycle)
    assert {"StationState", "RobotStatus", "PackStatus", "TruckStatus", "Decision", "CommandBlock"} <= set(
        codec.written
    )
    assert codec.written["Cycle"] == list(get_type_hints(Cycle))


@dataclass(frozen=True)
class Older:
    kept: int
    gone: str


@dataclass(frozen=True)
class Newer:
    kept: int
    added: tuple[int, ...] = ()
    made: Mapping[str, int] = field(default_factory=dict)


class Pair(NamedTuple):
    a: int
    b: int


def test_a_file_of_an_older_release_is_read_by_the_names_of_its_fields() -> None:
    old = Codec().of(Older)
    codec = Codec({"Newer": ["kept", "gone"]})
    kind = codec.of(Newer)
    assert kind.read(old.write(Older(3, "x"))) == Newer(3)
    assert codec.unknown == ["Newer.gone"]
    assert kind.follow(Newer(3), old.change(Older(3, "x"), Older(4, "y"))) == Newer(4)


@pytest.mark.parametrize(("made", "names"), [(Newer, ["added"]), (Pair, ["a"]), (Newer, [])])
def test_a_field_that_cannot_be_made_up_is_refused(made: type, names: list[str]) -> None:
    with pytest.raises(ValueError, match="is not in the file"):
        Codec({made.__name__: names}).of(made)


@pytest.mark.parametrize(
    ("made", "data"),
    [
        (StationState, []),
        (StationState, {"0": "Idle"}),
        (Reason, ["a", 1]),
        (Reason, ["a", "b", "c"]),
        (tuple[int, ...], 5),
        (tuple[int, int], [1, 2, 3]),
        (tuple[int, ...], [True]),
        (Mapping[str, int], [["a"]]),
        (Opcode, 99),
        (Opcode, 1.0),
        (PackML, "Idling"),
        (Place, "roof 1"),
        (Place, "bay x"),
        (float, "1"),
        (bool, 1),
        (tuple[int, ...], list(range(5000))),
    ],
)
def test_what_does_not_fit_is_refused(made: Any, data: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        Codec().of(made).read(data)


@pytest.mark.parametrize("change", [{"2": 1}, {"-1": 1}, {"x": 1}, {"0": "text"}])
def test_a_change_of_what_is_not_there_is_refused(change: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        Codec().of(Pair).follow(Pair(1, 2), change)


def test_a_type_without_a_form_is_refused_when_it_is_made() -> None:
    with pytest.raises(TypeError, match="no form"):
        Codec().of(set[int])
