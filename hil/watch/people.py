"""The watch over people: after somebody may have been inside nothing starts by itself, until a person said a word.

It remembers for itself, by the plant's own zone, doors and key, and asks the controller for nothing but which commands
it accepted: a controller that forgets has nobody to agree with.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.mqtt_values import MqttMessage
from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotMode
from hil.plant.inputs import Inputs
from hil.watch.findings import Findings
from hil.watch.tap import Written, order_text
from station_ctl.model.look import Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML

WORDS = ("clear", "reset", "resume", "evacuate", "back_out", "isolate", "repark", "release_truck")
"""What a person says with it: I have looked."""
READ_S = 0.5
"""What the plant shows is known to the controller by then: a poll, a lost answer that it still believes, a cycle."""
_DOWN = (PackML.ABORTING, PackML.ABORTED)


class Said:
    """What people said to the controller, as it came and as it was accepted; what is rejected is not said.

    cleared_s: when a `clear` last came to it, in loop seconds; for who watches the latch.
    """

    def __init__(self, station: str, now: Callable[[], float]) -> None:
        """station: the client that is the controller."""
        self.cleared_s = float("-inf")
        self._station, self._now = station, now
        self._seen: set[bytes] = set()
        self._words: list[tuple[str, float]] = []

    def arrived(self, client: str, message: MqttMessage) -> None:
        """The broker delivers a message to a client; what comes again, by fault or by malice, is not said."""
        verb = message.topic.rpartition("/cmd/")[2]
        if client == self._station and verb == "clear" and message.payload not in self._seen:
            self._seen.add(message.payload)
            self.cleared_s = self._now()

    def answered(self, verb: str, age_s: float, verdict: str) -> None:
        """The controller gives a command its verdict. age_s: how long ago it was issued."""
        if verb in WORDS and verdict == "accepted":
            self._words.append((verb, self._now() - age_s))

    def take(self) -> list[tuple[str, float]]:
        """Words accepted since the last call: the verb, and when it was issued, in loop seconds."""
        words, self._words = self._words, []
        return words


class PeopleWatch:
    """`look` often, `cycle` after each cycle of the controller, `ordered` with each new motion. words: Said.take."""

    def __init__(
        self,
        findings: Findings,
        inputs: Inputs,
        words: Callable[[], list[tuple[str, float]]],
        now: Callable[[], float],
    ) -> None:
        self._findings, self._inputs, self._words, self._now = findings, inputs, words, now
        self._visited = True
        self._packml = PackML.ABORTED
        self._orders: list[Written] = []
        self._inside_s: float | None = now()  # since when somebody may be inside, by the plant
        self._unsafe_s = now()  # when somebody could come in last

    def restarted(self) -> None:
        """Another controller takes over; who came or went while there was none, nobody saw."""
        self._visited, self._packml, self._orders = True, PackML.ABORTED, []
        self._words()
        self._came(self._now())

    def look(self) -> None:
        """Look at the plant."""
        inputs = self._inputs
        good = inputs.zone_clear is Signal.TRUE and inputs.doors_closed is Signal.TRUE
        if not good or inputs.mode is not RobotMode.PRODUCTION:
            self._came(self._now())

    def _came(self, now_s: float) -> None:
        self._unsafe_s = now_s
        self._inside_s = now_s if self._inside_s is None else self._inside_s

    def ordered(self, written: Written) -> None:
        """A new motion is ordered; it is judged when its cycle has ended."""
        self._orders.append(written)

    def cycle(self, snapshot: Snapshot, state: StationState) -> None:
        """A control cycle has ended."""
        self.look()
        where, inside = f"in {state.packml}/{state.step}", may_come_in(snapshot)
        words = [(v, at_s) for v, at_s in self._words() if v != "clear" or self._packml in _DOWN]  # or of bays alone
        if any(at_s > self._unsafe_s - READ_S for _, at_s in words):
            self._inside_s = None
        self._findings.judge("somebody inside is forgotten", state.visited or not inside, lambda: where)
        if self._visited and not state.visited:
            known = any(at_s > self._unsafe_s - READ_S for _, at_s in words)
            self._findings.judge("forgets people without a word", known, lambda: where)
        orders, self._orders = self._orders, []
        starts = [] if state.manual is not None else [o for o in orders if self._beside(o)]
        text = ", ".join(map(order_text, starts))
        self._findings.judge("starts by itself after somebody was inside", not starts, lambda: f"{text} {where}")
        self._visited, self._packml = state.visited, state.packml

    def _beside(self, order: Written) -> bool:
        """Whether it starts beside who has been inside for so long that the controller knows it."""
        known = self._inside_s is not None and order.at_s - self._inside_s > READ_S
        return known and order.opcode != Opcode.RELEASE


def may_come_in(snapshot: Snapshot) -> bool:
    """Whether the controller has read, or could not read, that somebody comes in."""
    robot = snapshot.robot
    if robot is None or robot.mode is not RobotMode.PRODUCTION:
        return True
    return (robot.zone_clear, robot.doors_closed) != (Signal.TRUE, Signal.TRUE)
