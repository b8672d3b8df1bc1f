"""The watch over commands: what passed between broker and station, and what the journal says of it at the end."""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from drivers.mqtt_values import MqttMessage
from hil.watch.books import LAST, said_of
from hil.watch.findings import Findings
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML
from station_ctl.uplink.message import read_message
from station_ctl.uplink.record_messages import SwapRecord

PASSING = (PackML.CLEARING, PackML.RESETTING, PackML.HOLDING, PackML.UNHOLDING, PackML.ABORTING, PackML.STOPPING)
"""States on the way to what a person asked for."""
SETTLED_S = 1.0
"""A command that came so shortly before the end may not be judged yet."""
Passed = Literal["delivered", "taken", "confirmed"]


@dataclass(frozen=True, slots=True)
class Books:
    """What the journal holds at the end of a run. commands: verb and verdict by id. swap_vin: whose swap is open."""

    commands: Mapping[str, tuple[str, str]]
    swaps: Sequence[Mapping[str, Any]]
    swap_vin: str | None

    @staticmethod
    def read(path: Path) -> Books:
        """Read a journal that nobody writes to any more."""
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            commands = db.execute("SELECT id, verb, verdict FROM command ORDER BY rowid").fetchall()
            swaps = db.execute("SELECT json FROM swap ORDER BY rowid").fetchall()
            row = db.execute("SELECT json FROM state").fetchone()
        swap = json.loads(row[0])["swap"] if row else None
        answers = {identifier: (verb, json.loads(verdict)["verdict"]) for identifier, verb, verdict in commands}
        return Books(answers, [json.loads(text) for (text,) in swaps], swap["vin"] if swap else None)


@dataclass(slots=True)
class Life:
    """One life of the service. cut: it was killed; disk_failed: the journal refused something meanwhile."""

    began_s: float
    ended_s: float = math.inf
    cut: bool = False
    disk_failed: bool = False


class Post:
    """What passed between the broker and the station, by correlation data, which our people make the command's id.

    delivered: when a command arrived at the station. said: verdicts as they reached the broker, in order; confirmed:
    how often each was published, one that was sent again for want of its confirmation counted once.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.delivered: dict[str, list[float]] = {}
        self.said: dict[str, list[str]] = {}
        self.confirmed: Counter[tuple[str, str]] = Counter()
        self.records: list[SwapRecord] = []
        self._now = now

    def note(self, what: Passed, message: MqttMessage) -> None:
        """Of MemoryBroker.on_station's shape."""
        key = (message.correlation or b"").decode(errors="replace")
        if what == "delivered":
            self.delivered.setdefault(key, []).append(self._now())
        elif "/reply/" in message.topic:
            verdict = json.loads(message.payload)["verdict"]
            if what == "taken":
                self.said.setdefault(key, []).append(verdict)
            else:
                self.confirmed[key, verdict] += 1
        elif message.topic.endswith("/swap") and what == "taken":
            self.records.append(read_message(SwapRecord, message.payload, message.topic))


def answers(findings: Findings, post: Post, lives: Sequence[Life]) -> None:
    """No verdict is published more often than its command was delivered; `accepted` comes before what follows it."""
    for (key, verdict), times in post.confirmed.items():
        come = len(post.delivered.get(key, ()))
        enough = times <= come
        text = f"{key}: {verdict} {times} times, the command came {come} times"
        findings.judge("a verdict published too often", enough or not key, text.__str__)
    for key, said in post.said.items():
        over = [n for n, verdict in enumerate(said) if verdict in ("completed", "failed")]
        late = bool(over) and "accepted" in said[over[0] :]
        first = "completed" not in said or "accepted" in said[: said.index("completed")]
        excused = not key or _lives(lives, post.delivered.get(key, ())).disk_failed
        findings.judge("a verdict out of order", excused or (first and not late), partial(said_of, key, said))


def verdicts(
    findings: Findings, post: Post, books: Books, lives: Sequence[Life], state: StationState | None, closed_s: float
) -> None:
    """Each command in the journal has its last verdict, unless the service was killed or it is rightly under way.

    state, closed_s: how the station was and when, before its service was stopped in order.
    """
    for key, (verb, verdict) in books.commands.items():
        times = post.delivered.get(key)
        if not times:
            continue
        life = _lives(lives, times)
        newer = _superseded(key, verb, post, books, life)
        late = times[0] > closed_s - SETTLED_S
        open_ = late or life.cut or state is None or under_way(verb, state)
        good = verdict in LAST or life.disk_failed or (open_ and not newer)
        findings.judge("a command left without its last verdict", good, partial(said_of, key, (verb, verdict)))
    for key, said in post.said.items():
        times = post.delivered.get(key, [])
        good = not key or set(said) <= {"rejected"} or key in books.commands or _lives(lives, times).disk_failed
        findings.judge("a command obeyed that is not in the journal", good, partial(said_of, key, said))


def under_way(verb: str, state: StationState) -> bool:
    """Whether a command that was accepted can still be waiting for its end in this state."""
    if verb == "authorise":
        return state.swap is not None or state.authorisation is not None
    return state.swap is not None if verb == "back_out" else state.packml in PASSING


def _superseded(key: str, verb: str, post: Post, books: Books, life: Life) -> bool:
    """Whether a newer command of its kind was accepted in the same life, and not just before its end."""
    since_s = post.delivered[key][0]
    return any(
        since_s < times[0] < life.ended_s - SETTLED_S
        and times[0] >= life.began_s
        and "accepted" in post.said.get(k, ())
        for k, times in post.delivered.items()
        if books.commands.get(k, ("",))[0] == verb
    )


def _lives(lives: Sequence[Life], times: Sequence[float]) -> Life:
    """The life that a command came to first; a disk that failed in any that it came to counts."""
    found = [next((x for x in reversed(lives) if x.began_s <= at_s), Life(0.0, cut=True)) for at_s in times]
    if not found:
        return Life(0.0, cut=True)
    first = found[0]
    return Life(first.began_s, first.ended_s, first.cut, any(x.disk_failed for x in found))
