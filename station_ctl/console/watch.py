"""`station-console watch`: one line for each change of state, bay or truck, each alarm and each event."""

from __future__ import annotations

import json
import os
import secrets
import sys

from drivers.errors import BadData
from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage
from station_ctl.console.lines import Lines
from station_ctl.uplink.topics import Topics


async def watch(endpoint: Endpoint, topics: Topics, *, as_json: bool) -> int:
    """Print until interrupted. What cannot be read, and a missing broker, are named on stderr by the driver's log."""
    lines = Lines(topics)

    async def show(message: MqttMessage) -> None:
        text = _as_json(message) if as_json else lines.line(message)
        if text is not None:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    names = (
        "status",
        "state",
        "recovery",
        "bay/+",
        "truck",
        "event",
        "alarm/+",
        "alarms",
        "swap",
        *(("metrics",) if as_json else ()),
    )
    client = MqttClient(
        endpoint,
        client_id=f"watch-{secrets.token_hex(6)}",  # many can watch
        subscriptions=tuple(f"{topics.base}/{name}" for name in names),
        on_message=show,
        name="broker",
    )
    try:
        await client.run()
    except BrokenPipeError:  # `watch | head`: nobody reads any more; nor will the flush at exit find anybody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _as_json(message: MqttMessage) -> str:
    try:
        content = json.loads(message.payload)
    except (ValueError, RecursionError) as e:
        raise BadData("is no JSON", where=message.topic) from e
    return json.dumps({"topic": message.topic, "retained": message.retain, "message": content})
