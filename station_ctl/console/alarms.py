"""`station-console alarms`: the list that the station retains, active alarms first, one line each."""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import datetime

from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage
from station_ctl.console.send import NO_ANSWER
from station_ctl.console.sentences import alarm_text, alarms_line
from station_ctl.uplink.alarm_parts import AlarmPart, AlarmsMessage
from station_ctl.uplink.message import read_message
from station_ctl.uplink.topics import Topics
from station_ctl.wall_clock import utc_now


async def show_alarms(endpoint: Endpoint, topics: Topics, timeout_s: float, *, as_json: bool) -> int:
    """Print the list once. Exit status 0, or 3 if no list came in time."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def take(message: MqttMessage) -> None:
        if message.payload and not heard.done():
            read_message(AlarmsMessage, message.payload, message.topic)
            heard.set_result(message.payload)

    client = MqttClient(
        endpoint,
        client_id=f"alarms-{secrets.token_hex(6)}",
        subscriptions=(topics.alarms,),
        on_message=take,
        name="broker",
    )
    link = asyncio.create_task(client.run(), name="console link")
    try:
        async with asyncio.timeout(timeout_s):
            payload = await heard
    except TimeoutError:
        sys.stderr.write(f"no list of alarms within {timeout_s:g} s; is the station's id right, and is it running?\n")
        return NO_ANSWER
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)
    sys.stdout.write(payload.decode() + "\n" if as_json else text(read_message(AlarmsMessage, payload, "alarms")))
    return 0


def text(message: AlarmsMessage) -> str:
    """The list for a person."""
    now = utc_now()
    return "".join(f"{line}\n" for line in [alarms_line(message), *(alarm_row(a, now) for a in message.alarms)])


def alarm_row(alarm: AlarmPart, now: datetime) -> str:
    """One alarm: priority, state, id, what is wrong with value and limit, since when, what to do or what covers it."""
    parts = [f"{alarm.priority:<6} {alarm.state:<14} {alarm.id:<28} {alarm_text(alarm)}"]
    if alarm.first_out:
        parts.append("FIRST-OUT")
    if alarm.raised_at is not None:
        parts.append(f"since {_age(now, alarm.raised_at)}")
    if alarm.acked_by:
        parts.append(f"acknowledged by {alarm.acked_by}")
    return "; ".join([*parts, _covered(alarm) or alarm.remedy])


def _covered(alarm: AlarmPart) -> str:
    if alarm.state == "shelved" and alarm.shelved_until is not None:
        return f"shelved by {alarm.shelved_by} until {alarm.shelved_until.astimezone():%H:%M}"
    if alarm.state == "out_of_service":
        return f"out of service by {alarm.out_of_service_by}"
    return f"suppressed by {alarm.suppressed_by}" if alarm.state == "suppressed" else ""


def _age(now: datetime, then: datetime) -> str:
    minutes, seconds = divmod(int((now - then).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
