"""Black box files, through `station-ctl replay`: BlackBoxError and nothing else, and damage is told.

First byte 0: the rest is the file. 1: edits of what a good file's first chunk says. 2: edits of its head. Then the
checksums are right, and what is behind them is not.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any

from drivers.errors import StationError
from drivers.pack_status import PackStatus
from drivers.reading import NEVER, Quality, Reading
from drivers.registers import load
from drivers.robot_decode import StatusDecoder
from drivers.robot_protocol import RobotStatus
from drivers.truck_status import TruckStatus
from fuzz.edits import JSON, edited
from fuzz.files import file
from fuzz.judge import must
from fuzz.tape import Tape
from hil.virtual.config import station_config
from station_ctl.blackbox import cli
from station_ctl.blackbox.blocks import CHUNK, MAGIC, MARK, block
from station_ctl.blackbox.box import table_sha256
from station_ctl.blackbox.codec import Codec
from station_ctl.blackbox.file import FORMAT, Head, make
from station_ctl.blackbox.kinds import UNCHANGED
from station_ctl.cycle import Cycle, Seen, decide
from station_ctl.deciders import Deciders
from station_ctl.model.look import Snapshot
from station_ctl.model.places import bay, mount
from station_ctl.model.state import Asked, StationState
from station_ctl.model.words import Verb

WORDS = (MAGIC, MARK, b"H", b"C", b"T", b'"cycles":', b'"memory":', b'"number":', b"null", b"1e999", b'{"0":')
CONFIG = station_config(Path("/nowhere"))
NOW = "2026-01-31T07:05:09.123Z"


def one(data: bytes) -> None:
    """Judge one file."""
    tape = Tape(data)
    kind = tape.byte() % 3
    content, head = _CONTENT, _HEAD
    if kind == 0:
        path = file("fuzzed.blackbox", tape.rest())
    else:
        if kind == 1:
            content = edited(_CONTENT, tape, JSON)
        else:
            head = edited(_HEAD, tape, JSON)
        whole = [MAGIC, block(b"H", head), block(CHUNK, content), block(b"T", head)]
        path = file("fuzzed.blackbox", b"".join(whole))
    out = io.StringIO()
    try:
        with redirect_stdout(out):
            status = cli.main(argparse.Namespace(file=path, all=bool(len(data) & 1), config=None))
    except StationError as e:
        must(bool(e.what and e.where), "a refusal that says nothing")
        return
    must(status in (cli.SAME, cli.DIFFERS, cli.UNREADABLE), f"exit status {status}")
    must("DAMAGED" in out.getvalue() or status != cli.UNREADABLE, "not wholly read, and not told")


def _robot() -> RobotStatus:
    """A PLC that stands, as it is decoded."""
    found = load(CONFIG.robot.register_map)
    status = found.block("status")
    return StatusDecoder(found, "PLC").status(status.decode([0] * status.count), 1.0)


def _cycles(deciders: Deciders) -> list[Cycle]:
    """A PLC that cannot be read, then can; a person asks."""
    places = [*(bay(b.number) for b in CONFIG.bay), *(mount(m.number) for m in CONFIG.mount)]
    packs = {place: PackStatus(n, soc_pct=Reading(50.0, Quality.GOOD, 1.0, "%")) for n, place in enumerate(places)}
    state, made = StationState(), []
    for n, robot in enumerate((None, _robot(), _robot())):
        snapshot = Snapshot(1.0 + n / 20, robot, "" if robot else "cut", TruckStatus(vin=NEVER), packs, {"packs": "UP"})
        seen = Seen(snapshot, (Asked(Verb.CLEAR, "panel"),) if n == 2 else (), NOW)
        cycle = Cycle(state, seen)
        cycle.decided = decide(deciders, CONFIG, state, seen)
        cycle.after = state = cycle.decided.state
        made.append(cycle)
    return made


def _good() -> tuple[dict[str, Any], dict[str, Any]]:
    """Content of a chunk and of a head, as the ring makes them."""
    deciders = Deciders.of(CONFIG)
    memory = copy.deepcopy(deciders.dump())
    cycles, codec = _cycles(deciders), Codec()
    kind = codec.of(Cycle)
    written = [kind.write(cycles[0])]
    for before, after in pairwise(cycles):
        change = kind.change(before, after)
        written.append(None if change is UNCHANGED else change)
    head = Head(
        format=FORMAT, release="0.1.0", station="S", at_utc=NOW, why=(f"{NOW} x",),
        config=CONFIG.model_dump(mode="json"),
        table_sha256=table_sha256(), fields=codec.written,
    )  # fmt: skip
    content = {"number": 0, "memory": memory, "cycles": written}
    return json.loads(json.dumps(content)), head.model_dump(mode="json")


_CONTENT, _HEAD = _good()


def seeds() -> Iterator[bytes]:
    """A whole file, cut and spoilt ones, edits of its content and of its head."""
    chunk = block(CHUNK, _CONTENT)
    whole = make(Head.model_validate(_HEAD), [chunk, block(CHUNK, _CONTENT | {"number": 1})])
    yield b"\0" + whole
    yield b"\0" + whole[: len(whole) // 2]
    yield b"\0" + whole[:200] + b"\xff" + whole[201:]
    yield b"\0" + MAGIC
    yield b"\0" + chunk
    for kind in (1, 2):
        yield from (bytes([kind, n, n % 6, n % 49, n, n % 3]) for n in range(0, 250, 3))
