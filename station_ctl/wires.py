"""The ways out of the service that can be others than this machine's own: CAN, the broker, and its workers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from drivers.can_bus import CanBus
from drivers.can_frame import CanLink
from drivers.mqtt import MqttSession
from drivers.mqtt_client import Session
from station_ctl.sections import CanSection


@dataclass(frozen=True, slots=True)
class Wires:
    """The ways out of the service that can be others than this machine's own: CAN, the broker, and who we are to it.

    worker: a new one for the black box, and one for the packs' records; each does one piece at a time, in order.
    """

    can: Callable[[CanSection], CanLink]
    session: Callable[..., Session]
    boot_id: str
    worker: Callable[[], Executor]


def real_wires() -> Wires:
    """python-can and a TCP connection to the broker, under a new name for each start."""
    return Wires(_bus, MqttSession, uuid.uuid4().hex[:12], lambda: ThreadPoolExecutor(1, "files"))


def _bus(section: CanSection) -> CanBus:
    return CanBus(
        section.name,
        section.interface,
        section.channel,
        port=section.port,
        silent_after_s=section.silent_after_ms / 1000,
        restart_s=section.restart_ms / 1000,
        bitrate=section.bitrate_kbit * 1000,
    )
