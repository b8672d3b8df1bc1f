"""The station's voice and ear on MQTT. What the controller calls here never blocks and never raises for the network."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from drivers.errors import DeviceError
from drivers.mqtt import MqttSession
from drivers.mqtt_client import MqttClient, Session
from drivers.mqtt_values import Endpoint, MqttMessage, Will
from station_ctl.uplink.admission import Admitted, CommandLog
from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmsMessage
from station_ctl.uplink.delivery import Delivery
from station_ctl.uplink.desk import CommandDesk
from station_ctl.uplink.figures import UplinkFigures
from station_ctl.uplink.message import Message
from station_ctl.uplink.messages import OutgoingMessage, SnapshotMessage
from station_ctl.uplink.outbox import Lane
from station_ctl.uplink.place_messages import BayMessage
from station_ctl.uplink.record_messages import EventMessage, MetricsMessage, SwapRecord
from station_ctl.uplink.requests import Verdict
from station_ctl.uplink.roles import Roles
from station_ctl.uplink.state_messages import RecoveryMessage, StateMessage, StatusMessage
from station_ctl.uplink.topics import Topics
from station_ctl.wall_clock import utc_now

EVENTS_MAX = 1000
METRICS_MAX = 60
REPLIES_MAX = 128
FAREWELL_S = 0.4  # for what is still unsent, and as long again for `offline`; the service stops in under 2 s


class Uplink:
    """Publishes what the controller says, retains its state at the broker, and hands in admitted commands.

    station_id: see Topics; boot_id changes with every start; roles: who may ask for what (none: all are operators);
    client_id defaults to one made of the station's.
    """

    def __init__(
        self,
        station_id: str,
        endpoint: Endpoint,
        command_log: CommandLog,
        *,
        version: str,
        boot_id: str,
        roles: Roles | None = None,
        client_id: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        session: Callable[..., Session] = MqttSession,
    ) -> None:
        self.topics = Topics(station_id)
        self._version, self._boot_id = version, boot_id
        self._packml: str | None = None
        self._sequences: Counter[str] = Counter()
        self._replies = Lane("replies", REPLIES_MAX)
        self._records = Lane("records", None)
        self._events = Lane("events", EVENTS_MAX)
        self._metrics = Lane("metrics", METRICS_MAX)
        self._lanes = (self._replies, self._records, self._events, self._metrics)
        self._desk = CommandDesk(
            self.topics,
            command_log,
            reply=self._replies.put,
            state=lambda: self._packml,
            sequence=lambda: self._next(self.topics.reply("")),
            roles=roles or Roles(),
            clock=clock,
        )
        self._client = MqttClient(
            endpoint,
            client_id=client_id or f"station-{station_id}",
            will=Will(self.topics.status, self._status(online=False)),
            subscriptions=(self.topics.command("+"),),
            on_message=self._desk.take,
            on_connect=self._greet,
            name="uplink",
            session=session,
        )
        self._delivery = Delivery(self._client, self._next)

    def state(self, message: SnapshotMessage) -> None:
        """Set a retained snapshot: state, one bay, truck, alarms. The latest wins; unchanged ones cost nothing."""
        if isinstance(message, StateMessage):
            self._packml = message.packml
        self._delivery.put(self._topic(message), message)

    def emit(self, message: OutgoingMessage) -> None:
        """Say something once: event, alarm, swap record, metrics. Waits in memory until the broker has it."""
        topic = self._topic(message)
        numbered = message.model_copy(update={"sequence": self._next(topic)})
        self._lane(message).put(MqttMessage(topic, numbered.json_bytes()))

    @property
    def commands(self) -> asyncio.Queue[Admitted]:
        """Commands that were let in, to be taken with get_nowait(); each is owed its verdicts through `answer`."""
        return self._desk.commands

    def answer(self, admitted: Admitted, verdict: Verdict, reason: str = "") -> None:
        """Tell a command's sender: first accepted or rejected, then, if accepted, completed or failed."""
        self._desk.answer(admitted, verdict, reason)

    @property
    def connected(self) -> bool:
        """Whether the broker is there now."""
        return self._client.up.is_set()

    @property
    def rejected_commands(self) -> int:
        """Commands not let in since the start, duplicates included."""
        return self._desk.rejected.total()

    def figures(self) -> UplinkFigures:
        """What the alarms want to know."""
        dropped = self._records.dropped + self._events.dropped
        return UplinkFigures(self.connected, self.rejected_commands, dropped)

    def queue_depths(self) -> dict[str, int]:
        """What waits in each queue, for MetricsMessage."""
        return {lane.name: len(lane) for lane in self._lanes} | {"commands": self.commands.qsize()}

    def counters(self) -> dict[str, int]:
        """What went wrong or was dropped since the start, by name."""
        link, desk = self._client.counters, self._desk
        counts = {f"dropped_{lane.name}": lane.dropped for lane in self._lanes}
        counts |= {f"refused_{why}": n for why, n in desk.rejected.items()}
        counts |= {"misused_verdicts": desk.misused, "unanswerable": desk.unanswerable, "log_errors": desk.log_errors}
        counts |= {"connects": link.connects, "disconnects": link.disconnects, "unconfirmed": link.unconfirmed}
        return counts | {"refused_by_broker": link.refused, "discarded_incoming": link.discarded}

    async def run(self) -> None:
        """Stay connected and deliver until cancelled; then send what is left, say `offline` and disconnect."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._client.run(), name="uplink link")
            group.create_task(self._desk.write_verdicts(), name="uplink verdicts")
            group.create_task(self._delivery.snapshots(), name="uplink snapshots")
            for lane in self._lanes:
                group.create_task(self._delivery.lane(lane), name=f"uplink {lane.name}")
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await self._farewell()

    async def _greet(self) -> None:
        await self._client.publish(MqttMessage(self.topics.status, self._status(online=True), retain=True))
        self._delivery.all_due()

    async def _farewell(self) -> None:
        if not self.connected:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                while any(self._lanes) or self._delivery.unsent() or self._desk.untold:  # noqa: ASYNC110  # short
                    await asyncio.sleep(0.01)
        with contextlib.suppress(TimeoutError, DeviceError):
            async with asyncio.timeout(FAREWELL_S):
                offline = self._status(online=False)
                await self._client.publish(MqttMessage(self.topics.status, offline, retain=True))

    def _status(self, *, online: bool) -> bytes:
        sequence = self._next(self.topics.status)
        status = StatusMessage(sequence=sequence, online=online, version=self._version, boot_id=self._boot_id)
        return status.json_bytes()

    def _topic(self, message: Message) -> str:
        if isinstance(message, BayMessage):
            return self.topics.bay(message.bay)
        if isinstance(message, AlarmMessage):
            return self.topics.alarm(message.id)
        names = {StateMessage: "state", EventMessage: "event", SwapRecord: "swap", MetricsMessage: "metrics"}
        names |= {AlarmsMessage: "alarms", RecoveryMessage: "recovery"}
        return f"{self.topics.base}/{names.get(type(message), 'truck')}"

    def _lane(self, message: OutgoingMessage) -> Lane:
        if isinstance(message, SwapRecord):
            return self._records
        return self._metrics if isinstance(message, MetricsMessage) else self._events

    def _next(self, topic: str) -> int:
        self._sequences[topic] += 1
        return self._sequences[topic]
