"""Gets what waits to the broker, as long as it is there: snapshots when they are due, each lane in its order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from drivers.errors import DeviceError
from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import MqttMessage, MqttRefused
from station_ctl.uplink.message import Message
from station_ctl.uplink.outbox import Lane, Snapshots

RETRY_S = 0.5
REFUSED_RETRY_S = 10.0

log = logging.getLogger(__name__)


class Delivery:
    """Of one station. number: the next sequence number of a topic."""

    def __init__(self, client: MqttClient, number: Callable[[str], int]) -> None:
        self._client, self._number = client, number
        self._snapshots, self._changed = Snapshots(), asyncio.Event()

    def put(self, topic: str, message: Message) -> None:
        """Take the latest snapshot of a topic; an unchanged one costs nothing."""
        if self._snapshots.put(topic, message):
            self._changed.set()

    def all_due(self) -> None:
        """A new connection, perhaps a new broker: every snapshot again."""
        self._snapshots.all_due()
        self._changed.set()

    def unsent(self) -> int:
        """How many snapshots have something new."""
        return self._snapshots.unsent()

    async def lane(self, lane: Lane) -> None:
        """For ever: what is in a lane, in its order. Only a lane that never drops waits for a broker that refuses."""
        while True:
            message = await lane.first()
            await self._client.up.wait()
            try:
                await self._client.publish(message)
            except MqttRefused as e:
                log.warning("%s", e)
                if lane.limit is None:
                    await asyncio.sleep(REFUSED_RETRY_S)
                    continue
            except DeviceError:
                await asyncio.sleep(RETRY_S)
                continue
            lane.done(message)

    async def snapshots(self) -> None:
        """For ever: snapshots, when they are due."""
        while True:
            await self._client.up.wait()
            await self._until_due()
            try:
                await self._publish_due()
            except DeviceError:
                await asyncio.sleep(RETRY_S)

    async def _until_due(self) -> None:
        self._changed.clear()
        while (wait_s := self._snapshots.next_s() - self._now_s()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if wait_s == float("inf") else wait_s):
                    await self._changed.wait()
            self._changed.clear()

    async def _publish_due(self) -> None:
        for topic, message in self._snapshots.due(self._now_s()):
            numbered = message.model_copy(update={"sequence": self._number(topic)})
            try:
                await self._client.publish(MqttMessage(topic, numbered.json_bytes(), retain=True))
            except MqttRefused as e:  # counts as sent: tried again when it changes, and the other topics go on
                log.warning("%s", e)
            self._snapshots.sent(topic, message, self._now_s())

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
