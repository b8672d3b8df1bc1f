"""The watch over people finds a controller that forgets who was inside, or starts beside somebody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from drivers.mqtt_values import MqttMessage
from drivers.reading import Signal
from drivers.robot_protocol import MotionClass, Opcode, RobotMode
from hil.plant.inputs import Inputs
from hil.watch.findings import Findings
from hil.watch.people import READ_S, WORDS, PeopleWatch, Said
from hil.watch.tap import Written
from station_ctl.model.look import Snapshot
from station_ctl.model.motion import Order
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML
from tests.safety.test_inputs import robot, snapshot

CLEAR = snapshot()
OPEN = snapshot(robot(doors_closed=Signal.FALSE))
AWAY = replace(CLEAR, robot=None)
HOME = Written(1.0, 400, MotionClass.TRAVEL, 0, 7, Opcode.HOME, 0, 0, 0)
INSIDE, NOBODY = StationState(visited=True), StationState(visited=False)
FORGETS, STARTS = "forgets people without a word", "starts by itself after somebody was inside"


@dataclass
class Bench:
    """A plant, what is said, and a controller that does as it is told here."""

    now_s: float = 10.0
    inputs: Inputs = field(default_factory=Inputs)

    def __post_init__(self) -> None:
        self.findings = Findings(lambda: self.now_s)
        self.said = Said("station-a", lambda: self.now_s)
        self.watch = PeopleWatch(self.findings, self.inputs, self.said.take, lambda: self.now_s)
        self.watch.restarted()

    def cycle(self, state: StationState, here: Snapshot = CLEAR, *orders: Opcode, after_s: float = 1.0) -> None:
        self.now_s += after_s
        for opcode in orders:
            self.watch.ordered(replace(HOME, opcode=opcode, at_s=self.now_s))
        self.watch.cycle(here, state)

    def word(self, verb: str = "reset", age_s: float = 0.1, verdict: str = "accepted") -> None:
        """Said just before the next cycle ends."""
        self.now_s += 1.0
        self.said.answered(verb, age_s, verdict)

    def visit(self) -> None:
        self.inputs.doors_closed = Signal.FALSE
        self.watch.look()
        self.now_s += 1.0
        self.inputs.doors_closed = Signal.TRUE

    @property
    def found(self) -> list[str]:
        return [violation.invariant for violation in self.findings.violations]


def idle() -> Bench:
    """Somebody has said the word."""
    bench = Bench()
    bench.cycle(INSIDE)
    bench.word()
    bench.cycle(NOBODY, after_s=0.0)
    assert bench.found == []
    return bench


def test_who_came_in_is_remembered_until_a_word() -> None:
    bench = idle()
    bench.cycle(INSIDE, OPEN)
    bench.word()
    bench.cycle(NOBODY)
    assert bench.found == []
    for here, state in ((OPEN, INSIDE), (CLEAR, NOBODY)):
        bench.cycle(state, here)
    assert bench.found == [FORGETS]
    for here in (OPEN, AWAY):
        other = idle()
        other.cycle(NOBODY, here)
        assert other.found == ["somebody inside is forgotten"]


@pytest.mark.parametrize("state", [INSIDE, NOBODY])
def test_nothing_starts_beside_who_was_inside_whatever_the_controller_remembers(state: StationState) -> None:
    bench = idle()
    bench.visit()
    bench.cycle(state, CLEAR, Opcode.RELEASE)
    assert bench.found == []
    bench.cycle(replace(state, manual=Order(Opcode.HOME)), CLEAR, Opcode.HOME)
    assert bench.found == []
    bench.cycle(state, CLEAR, Opcode.HOME)
    assert bench.found == [STARTS]


def test_what_was_ordered_before_it_could_be_read_is_no_start_beside_somebody() -> None:
    bench = idle()
    bench.visit()
    bench.now_s -= 1.0
    bench.cycle(NOBODY, CLEAR, Opcode.HOME, after_s=READ_S - 0.1)
    assert bench.found == []


def test_the_key_away_from_production_is_a_visit() -> None:
    bench = idle()
    bench.inputs.mode = RobotMode.MAINTENANCE
    bench.watch.look()
    bench.inputs.mode = RobotMode.PRODUCTION
    bench.cycle(INSIDE, CLEAR, Opcode.HOME)
    assert bench.found == [STARTS]


@pytest.mark.parametrize(
    ("verb", "age_s", "verdict"),
    [
        ("reset", 0.1, "rejected"),
        ("reset", 110.0, "accepted"),
        ("authorise", 0.1, "accepted"),
        ("clear", 0.1, "accepted"),
    ],
)
def test_what_is_rejected_old_or_no_word_is_not_said(verb: str, age_s: float, verdict: str) -> None:
    bench = idle()
    bench.cycle(replace(INSIDE, packml=PackML.IDLE))  # a clear there is of bays alone
    bench.visit()
    bench.word(verb, age_s, verdict)
    bench.cycle(replace(NOBODY, packml=PackML.IDLE), CLEAR, Opcode.HOME)
    assert bench.found == [FORGETS, STARTS]


def test_a_word_after_the_visit_is_one() -> None:
    bench = idle()
    bench.cycle(replace(INSIDE, packml=PackML.IDLE))
    bench.visit()
    bench.word("reset", 0.1)
    bench.cycle(replace(NOBODY, packml=PackML.IDLE), CLEAR, Opcode.HOME)
    assert bench.found == []


def test_another_life_begins_with_somebody_inside() -> None:
    bench = idle()
    bench.word("reset", 0.1)
    bench.watch.restarted()
    bench.cycle(NOBODY, CLEAR, Opcode.HOME)
    assert bench.found == [FORGETS, STARTS]


def test_a_clear_that_comes_again_is_not_said_again() -> None:
    now = [1.0]
    said = Said("station-a", lambda: now[0])
    said.arrived("operator-1", MqttMessage("swap/v1/a/cmd/clear", b"1"))
    assert said.cleared_s == float("-inf")
    for now[0] in (2.0, 3.0):
        said.arrived("station-a", MqttMessage("swap/v1/a/cmd/clear", b"1"))
    assert said.cleared_s == 2.0


def test_it_knows_every_word() -> None:
    expected = {"clear", "reset", "resume", "evacuate", "back_out", "isolate", "repark", "release_truck"}
    assert set(WORDS) == expected
