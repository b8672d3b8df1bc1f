"""`station-console why`: one line that names the condition which stopped the robot. From retained topics alone."""

from __future__ import annotations

import asyncio
import secrets
import sys

from drivers import tasks
from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage
from station_ctl.uplink.message import read_message
from station_ctl.uplink.state_messages import StateMessage, StatusMessage
from station_ctl.uplink.topics import Topics
from station_ctl.wall_clock import utc_now

RUNS, NO_ANSWER = 0, 3
WAIT_S = 5.0


async def why(endpoint: Endpoint, topics: Topics, *, as_json: bool) -> int:
    """Print why the robot stands; exit status 0, or 3 if there is no broker or no such station within 5 s."""
    found = _Retained(topics)
    client = MqttClient(
        endpoint,
        client_id=f"why-{secrets.token_hex(6)}",
        subscriptions=(topics.status, topics.state),
        on_message=found.take,
        name="broker",
    )
    link = asyncio.create_task(client.run(), name="console link")
    try:
        async with asyncio.timeout(WAIT_S):
            await found.complete.wait()
    except TimeoutError:
        error = f"; {client.last_error}" if client.last_error and not client.up.is_set() else ""
        sys.stderr.write(f"nothing retained of station {topics.station} within {WAIT_S:g} s{error}\n")
        return NO_ANSWER
    finally:
        await tasks.end(link)
    sys.stdout.write((found.json if as_json else found.line()) + "\n")
    return RUNS


class _Retained:
    """The two retained messages that it takes."""

    def __init__(self, topics: Topics) -> None:
        self.complete = asyncio.Event()
        self.json = ""
        self._topics = topics
        self._state: StateMessage | None = None
        self._status: StatusMessage | None = None

    async def take(self, message: MqttMessage) -> None:
        """Keep one."""
        if message.topic == self._topics.state:
            self._state = read_message(StateMessage, message.payload, message.topic)
            self.json = message.payload.decode()
        else:
            self._status = read_message(StatusMessage, message.payload, message.topic)
        if self._state is not None and self._status is not None:
            self.complete.set()

    def line(self) -> str:
        """For a person."""
        if self._state is None or self._status is None:
            return f"{self._topics.station}: nothing retained"
        gone = "" if self._status.online else " (OFFLINE; what follows is the last that it said)"
        return f"{self._topics.station}{gone}: {why_line(self._state)}"


def why_line(state: StateMessage) -> str:
    """State, since when, the condition with value, age, limit and remedy, what may be sent."""
    at = f"{state.packml}, step {state.step}"
    choices = f" [you may send: {', '.join(state.choices)}]" if state.choices else ""
    if state.stopped is None:
        waits = f"; {state.reason.text}" if state.reason else ""
        return f"{at}: nothing stops the robot{waits}"
    past_s = max(0.0, (utc_now() - state.stopped.since).total_seconds())
    since = f"{state.stopped.since.astimezone():%Y-%m-%d %H:%M:%S} ({past_s:.0f} s ago)"
    kind = "first-out " if state.interlock.latched and state.interlock.first_out else ""
    return f"{at}, since {since}: {kind}{state.stopped.by}{choices}"
