"""The watch over people: after somebody may have been inside nothing starts by itself, until a person said a word."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from drivers.mqtt_values import MqttMessage
from drivers.reading import Signal
from drivers.robot_protocol import Opcode, RobotMode
from hil.watch.findings import Findings
from hil.watch.tap import Written, order_text
from station_ctl.model.look import Snapshot
from station_ctl.model.state import StationState

WORDS = ("clear", "reset", "resume", "evacuate", "back_out", "isolate", "repark", "release_truck")
"""What a person says with it: I have looked."""
WORD_S = 10.0
"""A word is written down before it is obeyed, on a disk that may be slow."""


class Said:
    """What people said to the controller; what comes again, by fault or by malice, is not said.

    cleared_s: when a `clear` last came to it.
    """

    def __init__(self, station: str, now: Callable[[], float]) -> None:
        """station: the client that is the controller."""
        self.cleared_s = float("-inf")
        self._station, self._now = station, now
        self._words: deque[float] = deque(maxlen=1000)
        self._seen: set[bytes] = set()

    def arrived(self, client: str, message: MqttMessage) -> None:
        """The broker delivers a message to a client."""
        verb = message.topic.rpartition("/cmd/")[2]
        if client != self._station or verb not in WORDS or message.payload in self._seen:
            return
        self._seen.add(message.payload)
        self._words.append(self._now())
        if verb == "clear":
            self.cleared_s = self._now()

    def word(self) -> bool:
        """Whether there is a word that was not relied upon before; it is spent with this."""
        while self._words and self._now() - self._words[0] > WORD_S:
            self._words.popleft()
        if not self._words:
            return False
        self._words.popleft()
        return True


class PeopleWatch:
    """`cycle` after each cycle of the controller, `ordered` with each new motion. word: see Said.word."""

    def __init__(self, findings: Findings, word: Callable[[], bool]) -> None:
        self._findings, self._word = findings, word
        self._visited = True
        self._orders: list[Written] = []

    def restarted(self) -> None:
        """Another controller takes over; who came or went while there was none, nobody saw."""
        self._visited, self._orders = True, []

    def ordered(self, written: Written) -> None:
        """A new motion is ordered; it is judged when its cycle has ended."""
        self._orders.append(written)

    def cycle(self, snapshot: Snapshot, state: StationState) -> None:
        """A control cycle has ended."""
        where, inside = f"in {state.packml}/{state.step}", may_come_in(snapshot)
        self._findings.judge("somebody inside is forgotten", state.visited or not inside, lambda: where)
        if self._visited and not state.visited:
            self._findings.judge("forgets people without a word", self._word(), lambda: where)
        orders, self._orders = self._orders, []
        by_hand = state.manual is not None
        starts = [] if by_hand or not state.visited else [o for o in orders if o.opcode != Opcode.RELEASE]
        text = ", ".join(map(order_text, starts))
        self._findings.judge("starts by itself after somebody was inside", not starts, lambda: f"{text} {where}")
        self._visited = state.visited


def may_come_in(snapshot: Snapshot) -> bool:
    """Whether the controller has read, or could not read, that somebody comes in."""
    robot = snapshot.robot
    if robot is None or robot.mode is not RobotMode.PRODUCTION:
        return True
    return (robot.zone_clear, robot.doors_closed) != (Signal.TRUE, Signal.TRUE)
