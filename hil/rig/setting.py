"""How a rig is set up, and the station.toml that says so, for free ports of this machine."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hil.peers.broker import Kind
from hil.plant.cells import PACK_TYPE

_RIGS = itertools.count()
STATION_ID = "DEMO-01"
BAYS = 8
_TEMPLATE = """\
[station]
id = "{station_id}"
journal = "{folder}/journal.db"
period_ms = {period_ms}

[robot]
host = "127.0.0.1"
port = {modbus_port}
poll_ms = {poll_ms}

[[can]]
name = "packs"
{can}

[mqtt]
port = {mqtt_port}

[[issuer]]
name = "supervisor-*"
roles = ["operator", "supervisor"]

[[issuer]]
name = "service-*"
roles = ["operator", "service"]

{places}"""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a rig is set up. speed scales the plant's motion, never the controller's checks.

    can:       SocketCAN interface of the controller; None: multicast, which every machine has.
    peers_can: that of packs and truck, where it is another one on the same wire.
    packs_soc_pct: bays are filled from the first on; None: as the sim does.
    grid_kw: limit of the connection point; given, every ordinary bay has a charger and a meter, behind one gateway.
    soc: the charge estimator is on; the cells then keep the bench's time, whatever `speed` is.
    """

    speed: float = 10.0
    seed: int = 1
    period_ms: int = 50
    poll_ms: int = 20
    broker: Kind | None = None
    wire_faults: bool = False
    packs_soc_pct: tuple[float, ...] | None = None
    can: str | None = None
    peers_can: str | None = None
    grid_kw: float | None = None
    soc: bool = False


def peers_toml(setting: Setting, config: Path) -> Path:
    """The plant's file: the station's own, unless packs and truck have another interface."""
    if setting.can is None or setting.peers_can is None:
        return config
    peers = config.with_name("plant.toml")
    text = config.read_text(encoding="utf-8")
    peers.write_text(text.replace(f'channel = "{setting.can}"', f'channel = "{setting.peers_can}"'), encoding="utf-8")
    return peers


def station_toml(setting: Setting, folder: Path, mqtt_port: int) -> str:
    """A configuration of embedded defaults for free ports of this machine."""
    grid, chargers = _chargers(setting)
    bays = [f"[[bay]]\nnumber = {n}\ncan_address = {0xB0 + n}\n{chargers(n)}" for n in range(1, BAYS + 1)]
    bays.append(f"[[bay]]\nnumber = {BAYS + 1}\ncan_address = {0xB1 + BAYS}\nisolation = true\n")
    mounts = [f"[[mount]]\nnumber = {n}\ncan_address = {0xA0 + n}\n" for n in (1, 2, 3)]
    return _TEMPLATE.format(
        station_id=STATION_ID,
        folder=folder,
        period_ms=setting.period_ms,
        poll_ms=setting.poll_ms,
        modbus_port=_free_port(),
        can=_can(setting),
        mqtt_port=mqtt_port,
        places="\n".join([*_soc(setting), *grid, *bays, *mounts]),
    )


def _soc(setting: Setting) -> list[str]:
    return [f'[soc]\ntype = "{PACK_TYPE}"\n'] if setting.soc else []


def _chargers(setting: Setting) -> tuple[list[str], Callable[[int], str]]:
    """The grid's section, and a bay's lines: units of one gateway."""
    if setting.grid_kw is None:
        return [], lambda number: ""
    where = f'host = "127.0.0.1", port = {_free_port()}'
    grid = f"[grid]\nlimit_kw = {setting.grid_kw:g}\nmeter = {{ {where}, unit = 200 }}\n"
    return [grid], lambda n: f"charger = {{ {where}, unit = {n} }}\nmeter = {{ {where}, unit = {100 + n} }}\n"


def _can(setting: Setting) -> str:
    if setting.can is not None:
        return f'interface = "socketcan"\nchannel = "{setting.can}"'
    pid, number = os.getpid(), next(_RIGS)
    group = f"239.74.{pid >> 8 & 255}.{pid & 255}"  # who listens shares both: a group a process, a port a rig
    return f'interface = "udp_multicast"\nchannel = "{group}"\nport = {20000 + number}'


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
