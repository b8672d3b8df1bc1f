"""The person at the console, as a program: sends commands over MQTT and sees what the station says."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage
from hil.rig.processes import RigError
from station_ctl.console.send import make_request
from station_ctl.uplink.messages import (
    BayMessage,
    Message,
    MetricsMessage,
    ReplyMessage,
    StateMessage,
    SwapRecord,
    TruckMessage,
    Verb,
    read_message,
)
from station_ctl.uplink.topics import Topics

M = TypeVar("M", bound=Message)
Seen = Callable[[str, Message], None]


class Operator:
    """Sees the station's snapshots and records; `send` waits for the last verdict."""

    def __init__(self, station_id: str, port: int, on_message: Seen = lambda topic, message: None) -> None:
        self._topics = Topics(station_id)
        self._name = f"operator-{secrets.token_hex(4)}"
        self._on_message = on_message
        self._replies: dict[str, list[ReplyMessage]] = defaultdict(list)
        self._news = asyncio.Condition()
        self.state: StateMessage | None = None
        self.truck: TruckMessage | None = None
        self.metrics: MetricsMessage | None = None
        self.bays: dict[int, BayMessage] = {}
        self.records: list[SwapRecord] = []
        self.states: list[str] = []
        base = self._topics.base
        filters = (f"{base}/state", f"{base}/truck", f"{base}/bay/+", f"{base}/swap", f"{base}/metrics")
        self._client = MqttClient(
            Endpoint("127.0.0.1", port),
            client_id=self._name,
            subscriptions=(*filters, self._topics.reply(self._name)),
            on_message=self._take,
            name="operator",
        )

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self._client.run()

    async def connected(self) -> None:
        """Return once the broker is there."""
        await asyncio.wait_for(self._client.up.wait(), 15.0)

    async def send(self, verb: Verb, timeout_s: float = 30.0, wait: bool = True, **arguments: object) -> ReplyMessage:
        """Send a command; the last verdict, or the first one if `wait` is False. Raises RigError without one."""
        request = make_request(verb, arguments, None, self._name, timeout_s)
        await self._client.publish(
            MqttMessage(
                self._topics.command(verb),
                request.command.json_bytes(),
                response_topic=self._topics.reply(self._name),
                correlation=request.command.id.encode(),
            )
        )
        wanted = ("rejected", "completed", "failed") if wait else ("rejected", "accepted")
        return await self.until(lambda: self._verdict(request.command.id, wanted), timeout_s, f"answer to {verb}")

    async def ended(self, asked: ReplyMessage, timeout_s: float = 60.0) -> ReplyMessage:
        """The last verdict of a command whose first one is `asked`."""
        last = ("completed", "failed")
        return await self.until(lambda: self._verdict(asked.id, last), timeout_s, f"last verdict of {asked.verb}")

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

    def _verdict(self, identifier: str, wanted: tuple[str, ...]) -> ReplyMessage | None:
        return next((r for r in self._replies[identifier] if r.verdict in wanted), None)

    async def _take(self, message: MqttMessage) -> None:
        kind = message.topic.removeprefix(f"{self._topics.base}/").split("/")[0]
        model = _MODELS.get(kind, ReplyMessage)
        said = read_message(model, message.payload, message.topic)
        self._keep(said)
        self._on_message(kind, said)
        async with self._news:
            self._news.notify_all()

    def _keep(self, said: Message) -> None:
        match said:
            case StateMessage():
                self.state = said
                if not self.states or self.states[-1] != said.packml:
                    self.states.append(said.packml)
            case TruckMessage():
                self.truck = said
            case MetricsMessage():
                self.metrics = said
            case BayMessage():
                self.bays[said.bay] = said
            case SwapRecord():
                self.records.append(said)
            case ReplyMessage():
                self._replies[said.id].append(said)


_MODELS: dict[str, type[Message]] = {
    "state": StateMessage,
    "truck": TruckMessage,
    "bay": BayMessage,
    "swap": SwapRecord,
    "metrics": MetricsMessage,
}
