"""The watch over people finds a controller that forgets who was inside, or starts beside somebody."""

from __future__ import annotations

from dataclasses import replace

from drivers.mqtt_values import MqttMessage
from drivers.reading import Signal
from drivers.robot_protocol import MotionClass, Opcode
from hil.watch.findings import Findings
from hil.watch.people import WORD_S, WORDS, PeopleWatch, Said
from hil.watch.tap import Written
from station_ctl.model.look import Snapshot
from station_ctl.model.motion import Order
from station_ctl.model.state import StationState
from station_ctl.swap import people
from tests.safety.test_inputs import robot, snapshot

CLEAR = snapshot()
OPEN = snapshot(robot(doors_closed=Signal.FALSE))
AWAY = replace(CLEAR, robot=None)
HOME = Written(1.0, 400, MotionClass.TRAVEL, 0, 7, Opcode.HOME, 0, 0, 0)
RELEASE = replace(HOME, opcode=Opcode.RELEASE)
INSIDE, NOBODY = StationState(visited=True), StationState(visited=False)


def found(*cycles: tuple[Snapshot, StationState, Written | None], words: int = 0) -> list[str]:
    """What the watch says after these cycles, with so many words said."""
    findings, left = Findings(lambda: 1.0), [words]

    def word() -> bool:
        left[0] -= 1
        return left[0] >= 0

    watch = PeopleWatch(findings, word)
    for here, state, order in cycles:
        if order is not None:
            watch.ordered(order)
        watch.cycle(here, state)
    return [violation.invariant for violation in findings.violations]


def test_who_came_in_is_remembered_until_a_word() -> None:
    assert found((OPEN, INSIDE, None), (CLEAR, INSIDE, None), (CLEAR, NOBODY, None), words=1) == []
    assert found((OPEN, INSIDE, None), (CLEAR, NOBODY, None)) == ["forgets people without a word"]
    assert found((CLEAR, NOBODY, None), (OPEN, NOBODY, None), words=1) == ["somebody inside is forgotten"]
    assert found((CLEAR, NOBODY, None), (AWAY, NOBODY, None), words=1) == ["somebody inside is forgotten"]


def test_nothing_starts_beside_who_was_inside() -> None:
    starts = ["starts by itself after somebody was inside"]
    assert found((CLEAR, INSIDE, HOME)) == starts
    assert found((CLEAR, INSIDE, RELEASE)) == []
    assert found((CLEAR, NOBODY, HOME), words=1) == []
    assert found((CLEAR, replace(INSIDE, manual=Order(Opcode.HOME)), HOME)) == []


def test_each_word_counts_once_and_not_for_ever() -> None:
    now = [1.0]
    said = Said("station-a", lambda: now[0])

    def arrive(verb: str, payload: bytes, client: str = "station-a") -> None:
        said.arrived(client, MqttMessage(f"swap/v1/a/cmd/{verb}", payload))

    for verb, payload in (("reset", b"1"), ("reset", b"1"), ("hold", b"2"), ("authorise", b"3")):
        arrive(verb, payload)
    arrive("resume", b"4", "operator-1")
    assert said.word() and not said.word()
    arrive("resume", b"5")
    now[0] += WORD_S + 0.1
    assert not said.word()


def test_it_knows_every_word() -> None:
    assert set(WORDS) == {str(verb) for verb in people.WORDS}
