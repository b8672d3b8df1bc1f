"""The person at the console, as a program: sends commands over MQTT and sees what the station says."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from drivers import tasks
from drivers.mqtt import MqttSession
from drivers.mqtt_client import MqttClient, Session
from drivers.mqtt_values import Endpoint, MqttMessage
from hil.rig.processes import RigError
from station_ctl.console.send import make_request
from station_ctl.uplink.admission import Command
from station_ctl.uplink.alarm_parts import AlarmMessage
from station_ctl.uplink.message import Message, read_message
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.record_messages import EventMessage, MetricsMessage, SwapRecord
from station_ctl.uplink.requests import ReplyMessage, Verb
from station_ctl.uplink.state_messages import RecoveryMessage, StateMessage
from station_ctl.uplink.topics import Topics

M = TypeVar("M", bound=Message)
Seen = Callable[[str, Message], None]
CONNECTED_S = 15.0
AGAIN_S = 0.2


class Operator:
    """Sees the station's snapshots and records; `send` waits for the last verdict."""

    def __init__(
        self,
        station_id: str,
        port: int,
        on_message: Seen = lambda topic, message: None,
        *,
        host: str = "127.0.0.1",
        name: str | None = None,
        session: Callable[..., Session] = MqttSession,
    ) -> None:
        """name: whose commands are numbered under it; not given: one drawn by chance, and so are their ids."""
        self._topics = Topics(station_id)
        self._name = name or f"operator-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1) if name else None
        self._watchers = [on_message]
        self._replies: dict[str, list[ReplyMessage]] = defaultdict(list)
        self._news = asyncio.Condition()
        self._again = asyncio.Event()
        self.state: StateMessage | None = None
        self.recovery: RecoveryMessage | None = None
        self.truck: TruckMessage | None = None
        self.metrics: MetricsMessage | None = None
        self.bays: dict[int, BayMessage] = {}
        self.alarms: dict[str, AlarmMessage] = {}
        self.records: list[SwapRecord] = []
        self.states: list[str] = []
        base = self._topics.base
        said = ("state", "recovery", "truck", "bay/+", "swap", "metrics", "event", "alarm/+")
        filters = tuple(f"{base}/{topic}" for topic in said)
        self._client = MqttClient(
            Endpoint(host, port),
            client_id=self._name,
            subscriptions=(*filters, self._topics.reply(self._name)),
            on_message=self._take,
            name="operator",
            session=session,
        )

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            link = asyncio.create_task(self._client.run(), name="operator link")
            again = asyncio.create_task(self._again.wait(), name="operator again")
            try:
                await asyncio.wait({link, again}, return_when=asyncio.FIRST_COMPLETED)
                if link.done():
                    await link  # it ends by a defect only
            finally:
                await tasks.end(link, again)
            self._again.clear()

    async def hurry(self) -> None:
        """Connect now, not when the back-off is over: a console that comes late misses records, which are said once."""
        while not self._client.up.is_set():
            self._again.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._client.up.wait()

    async def connected(self) -> None:
        """Return once the broker is there."""
        async with asyncio.timeout(CONNECTED_S):
            await self._client.up.wait()

    async def send(self, verb: Verb, timeout_s: float = 30.0, wait: bool = True, **arguments: object) -> ReplyMessage:
        """Send a command; the last verdict, or the first one if `wait` is False. Raises RigError without one."""
        command = self.command(verb, timeout_s, arguments)
        await self.publish(verb, command)
        wanted = ("rejected", "completed", "failed") if wait else ("rejected", "accepted")
        return await self.until(lambda: self._verdict(command.id, wanted), timeout_s, f"answer to {verb}")

    def command(
        self, verb: Verb, life_s: float, arguments: dict[str, object], expected_state: str | None = None
    ) -> Command:
        """A command of this person, issued now. Raises WrongSchema for wrong arguments."""
        identifier = f"{self._name}-{next(self._numbers):08d}" if self._numbers else None
        return make_request(verb, arguments, expected_state, self._name, life_s, identifier).command

    async def publish(self, verb: Verb, command: Command, retain: bool = False) -> None:
        """Publish a command, whoever made it and whenever. Raises DeviceError if the broker does not take it."""
        await self._client.publish(
            MqttMessage(
                self._topics.command(verb),
                command.json_bytes(),
                retain=retain,
                response_topic=self._topics.reply(self._name),
                correlation=command.id.encode(),
            )
        )

    def watch(self, seen: Seen) -> None:
        """Call this for every message from now on, too."""
        self._watchers.append(seen)

    async def ended(self, asked: ReplyMessage, timeout_s: float = 60.0) -> ReplyMessage:
        """The last verdict of a command whose first one is `asked`."""
        last = ("completed", "failed")
        return await self.until(lambda: self._verdict(asked.id, last), timeout_s, f"last verdict of {asked.verb}")

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

    def _verdict(self, identifier: str, wanted: tuple[str, ...]) -> ReplyMessage | None:
        return next((r for r in self._replies[identifier] if r.verdict in wanted), None)

    async def _take(self, message: MqttMessage) -> None:
        kind = message.topic.removeprefix(f"{self._topics.base}/").split("/")[0]
        model = _MODELS.get(kind, ReplyMessage)
        said = read_message(model, message.payload, message.topic)
        self._keep(said)
        for seen in self._watchers:
            seen(kind, said)
        async with self._news:
            self._news.notify_all()

    def _keep(self, said: Message) -> None:
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


_MODELS: dict[str, type[Message]] = {
    "state": StateMessage,
    "recovery": RecoveryMessage,
    "truck": TruckMessage,
    "bay": BayMessage,
    "swap": SwapRecord,
    "metrics": MetricsMessage,
    "event": EventMessage,
    "alarm": AlarmMessage,
}
