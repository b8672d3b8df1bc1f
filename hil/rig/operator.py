"""The person at the console, as a program: sends commands over MQTT and sees what the station says."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Callable

from drivers import tasks
from drivers.mqtt import MqttSession
from drivers.mqtt_client import MqttClient, Session
from drivers.mqtt_values import Endpoint, MqttMessage
from hil.rig.heard import MODELS, Heard
from station_ctl.console.send import make_request
from station_ctl.uplink.admission import Command
from station_ctl.uplink.message import Message, read_message
from station_ctl.uplink.requests import ReplyMessage, Verb
from station_ctl.uplink.topics import Topics

Seen = Callable[[str, Message], None]
CONNECTED_S = 15.0
AGAIN_S = 0.2


class Operator(Heard):
    """Hears the station, and sends commands; `send` waits for the last verdict."""

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
        super().__init__()
        self._topics = Topics(station_id)
        self._name = name or f"operator-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1) if name else None
        self._watchers = [on_message]
        self._again = asyncio.Event()
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
        return await self.until(lambda: self.verdict(command.id, wanted), timeout_s, f"answer to {verb}")

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
        return await self.until(lambda: self.verdict(asked.id, last), timeout_s, f"last verdict of {asked.verb}")

    async def _take(self, message: MqttMessage) -> None:
        kind = message.topic.removeprefix(f"{self._topics.base}/").split("/")[0]
        said = read_message(MODELS.get(kind, ReplyMessage), message.payload, message.topic)
        self.keep(said)
        for seen in self._watchers:
            seen(kind, said)
        await self.tell()
