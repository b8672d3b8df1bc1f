"""What an MQTT link is given and gives, as plain values: no library in here (docs/mqtt.md is the contract)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from drivers.errors import DeviceRefused, LinkDown, NoAnswer, StationError


class MqttDown(LinkDown):
    """There is no connection to the broker. Nothing was sent; the client reconnects by itself."""


class MqttUnconfirmed(NoAnswer):
    """The broker did not confirm: the message may or may not have been passed on. Sending again may duplicate it."""


class MqttRefused(DeviceRefused):
    """The broker refused the message, the subscription or the log-in, usually by its access list."""


class LinkState(Enum):
    """How the connection stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is and who we are to it. `tls_ca_file` set: the connection is TLS, the host name checked."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_ca_file: str | None = None
    keepalive_s: int = 10


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when we vanish."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """One message. As received, `retain` is as its sender set it and `expiry_s` is what is left of the expiry."""

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: int | None = None


@dataclass(slots=True)
class LinkCounters:
    """What happened since the start. `discarded`: incoming messages lost because handling was too slow."""

    connects: int = 0
    disconnects: int = 0
    published: int = 0
    unconfirmed: int = 0
    refused: int = 0
    received: int = 0
    discarded: int = 0
    handler_errors: int = 0


def read_password(path: str | None) -> str | None:
    """The first line of a password file, None without a file. Blocking: for the start of a program only.

    Raises StationError if the file cannot be read.
    """
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as e:
        raise StationError("password cannot be read", where=path, value=str(e), remedy="check path and mode") from e


def check_ca_file(path: str | None) -> None:
    """Raises StationError if a file of certificates cannot be used. Blocking: for the start of a program only."""
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as e:  # ssl.SSLError is one too
        remedy = "check path and mode; it has to hold certificates in PEM"
        raise StationError("certificates cannot be read", where=path, value=str(e), remedy=remedy) from e
