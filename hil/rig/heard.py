"""What the station has said, as a console keeps it, and waiting until it says something."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from hil.rig.processes import RigError
from station_ctl.uplink.alarm_parts import AlarmMessage
from station_ctl.uplink.message import Message
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.record_messages import EventMessage, MetricsMessage, SwapRecord
from station_ctl.uplink.requests import ReplyMessage
from station_ctl.uplink.state_messages import RecoveryMessage, StateMessage

M = TypeVar("M", bound=Message)

MODELS: dict[str, type[Message]] = {
    "state": StateMessage,
    "recovery": RecoveryMessage,
    "truck": TruckMessage,
    "bay": BayMessage,
    "swap": SwapRecord,
    "metrics": MetricsMessage,
    "event": EventMessage,
    "alarm": AlarmMessage,
}
"""By the first level of the topic."""


class Heard:
    """The last of every snapshot, all records and replies, and the states in their order."""

    def __init__(self) -> None:
        self._replies: dict[str, list[ReplyMessage]] = defaultdict(list)
        self._news = asyncio.Condition()
        self.state: StateMessage | None = None
        self.recovery: RecoveryMessage | None = None
        self.truck: TruckMessage | None = None
        self.metrics: MetricsMessage | None = None
        self.bays: dict[int, BayMessage] = {}
        self.alarms: dict[str, AlarmMessage] = {}
        self.records: list[SwapRecord] = []
        self.states: list[str] = []

    def keep(self, said: Message) -> None:
        """A message has come."""
        match said:
            case StateMessage():
                self.state = said
                if not self.states or self.states[-1] != said.packml:
                    self.states.append(said.packml)
            case RecoveryMessage():
                self.recovery = said
            case TruckMessage():
                self.truck = said
            case MetricsMessage():
                self.metrics = said
            case BayMessage():
                self.bays[said.bay] = said
            case SwapRecord():
                self.records.append(said)
            case AlarmMessage():
                self.alarms[said.id] = said
            case ReplyMessage():
                self._replies[said.id].append(said)

    async def tell(self) -> None:
        """Wake whoever waits: something was kept."""
        async with self._news:
            self._news.notify_all()

    @property
    def replies(self) -> Mapping[str, Sequence[ReplyMessage]]:
        """Every answer that came, by the command's id, in order."""
        return self._replies

    def verdicts(self, identifier: str) -> list[str]:
        """The verdicts that came for a command, in order."""
        return [reply.verdict for reply in self._replies[identifier]]

    async def until(self, found: Callable[[], M | None], timeout_s: float, what: str) -> M:
        """Wait until `found` gives something. Raises RigError, saying what was waited for and the station's state."""
        try:
            async with asyncio.timeout(timeout_s), self._news:
                while (result := found()) is None:
                    await self._news.wait()
                return result
        except TimeoutError:
            raise RigError(f"no {what}", where="operator", value=self.now, limit=f"{timeout_s:g} s") from None

    @property
    def now(self) -> str:
        """The station's state in one line, for an error."""
        return f"{self.state.packml}/{self.state.step}: {self.state.reason}" if self.state else "nothing heard"

    async def reaches(self, packml: str, timeout_s: float = 30.0) -> StateMessage:
        """Wait until the station shows a PackML state."""
        await self.until(lambda: self.state if self._is(packml) else None, timeout_s, f"state {packml}")
        if self.state is None:
            raise RigError("no state", where="operator")
        return self.state

    def _is(self, packml: str) -> bool:
        return self.state is not None and self.state.packml == packml

    def verdict(self, identifier: str, wanted: tuple[str, ...]) -> ReplyMessage | None:
        """The first of these verdicts on a command, None before it came."""
        return next((r for r in self._replies[identifier] if r.verdict in wanted), None)
