"""What is published at the broker: commands through the desk to the controller's queue, all else to console lines.

An input is a row of messages, each ended by a zero byte: u8 flags, u8 seconds since the one before, the last level of
its topic, a space, the payload. The clock begins at the instant of the examples.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta

from drivers.errors import BadData
from drivers.mqtt_values import MqttMessage
from fuzz.ground import run
from fuzz.judge import must
from fuzz.tape import Tape
from station_ctl.console.lines import Lines
from station_ctl.uplink.admission import Admitted, life_max_s, skew_max_s
from station_ctl.uplink.desk import CommandDesk
from station_ctl.uplink.message import read_message
from station_ctl.uplink.requests import COMMANDS, ReplyMessage
from station_ctl.uplink.roles import Role, Roles
from station_ctl.uplink.topics import Topics
from tests.uplink_examples import EXAMPLES, NOW, MemoryLog

RETAINED, TO_CONSOLE, CORRELATED, FORGETS = 1, 2, 4, 8
TOPICS = Topics("st-1")
REPLY_TO = (TOPICS.reply("c"), None, "elsewhere/answers", TOPICS.state)
MOST_MESSAGES = 60
ROLES = Roles([("panel*", (Role.OPERATOR, Role.SUPERVISOR, Role.SERVICE)), ("guest", ())])
_KEYS = sorted({key for message in EXAMPLES.values() for key in message.model_dump(by_alias=True)})
WORDS = tuple(
    w.encode() for w in (*COMMANDS, *(f'"{key}":' for key in _KEYS), "null", "true", "{}", "1e999", "NaN", "Z")
)


class _Station:
    """The production desk and console, and the memory of what was let in."""

    def __init__(self) -> None:
        self.now = NOW
        self.log, self.replies, self.admitted = MemoryLog(), list[MqttMessage](), list[Admitted]()
        self.numbers = 0
        self.state = "Idle"
        self.desk = self.renewed()
        self.lines = Lines(TOPICS)

    def renewed(self) -> CommandDesk:
        """As after a restart: the log stays."""
        return CommandDesk(
            TOPICS,
            self.log,
            reply=self.replies.append,
            state=lambda: self.state,
            sequence=self._next,
            roles=ROLES,
            clock=lambda: self.now,
        )

    def _next(self) -> int:
        self.numbers += 1
        return self.numbers

    async def command(self, message: MqttMessage) -> None:
        desk, before, refused = self.desk, len(self.replies), self.desk.rejected.total()
        await desk.take(message)
        let_in = not desk.commands.empty()
        must(let_in == (desk.rejected.total() == refused), "neither let in nor counted as refused, or both")
        if let_in:
            self._admit(desk.commands.get_nowait(), message)
        self._judge_replies(before)

    def _admit(self, admitted: Admitted, message: MqttMessage) -> None:
        command = admitted.command
        must(not message.retain, "a retained command was let in")
        must(self.now < command.expires_at, f"let in at {self.now}, expired at {command.expires_at}")
        ahead, life = timedelta(seconds=skew_max_s(admitted.verb)), timedelta(seconds=life_max_s(admitted.verb))
        must(command.issued_at - self.now <= ahead, "a command from the future was let in")
        must(command.expires_at - command.issued_at <= life, "it lives too long")
        must(command.expected_state in (None, self.state), "it was meant for another state")
        must(all(admitted.id != other.id for other in self.admitted), f"{admitted.id} was let in twice")
        must(message.topic == TOPICS.command(admitted.verb), f"{admitted.verb} came on {message.topic}")
        must(not ROLES.refusal(admitted.verb, command.issuer), f"{command.issuer} may not {admitted.verb}")
        must(admitted.id in self.log.verdicts, "let in before it was in the log")
        self.admitted.append(admitted)
        self.desk.answer(admitted, "accepted")
        self.desk.answer(admitted, "completed" if len(self.admitted) % 2 else "failed", "fuzz")

    def _judge_replies(self, since: int) -> None:
        for reply in self.replies[since:]:
            must(TOPICS.may_answer(reply.topic), f"answered on {reply.topic}")
            read_message(ReplyMessage, reply.payload, reply.topic)

    def console(self, message: MqttMessage) -> None:
        try:
            text = self.lines.line(message)
        except BadData:
            return
        must(text is None or "\n" not in text, "one message, more than one line")


def one(data: bytes) -> None:
    """Judge one row of messages."""
    run(_one(data))


async def _one(data: bytes) -> None:
    station = _Station()
    telling: asyncio.Task[None] | None = None
    for text in data.split(b"\0")[:MOST_MESSAGES]:
        tape = Tape(text)
        flags, seconds, rest = tape.byte(), tape.byte(), tape.rest()
        station.now += timedelta(seconds=seconds)
        if flags & FORGETS or telling is None:
            if telling is not None:
                telling.cancel()
            station.desk = station.renewed()
            telling = asyncio.get_running_loop().create_task(station.desk.write_verdicts(), name="verdicts")
        message = _message(flags, rest)
        if flags & TO_CONSOLE:
            station.console(message)
        else:
            await station.command(message)
        await asyncio.sleep(0)
        must(not telling.done(), "the writer of verdicts ended")
    if telling is not None:
        telling.cancel()


def _message(flags: int, rest: bytes) -> MqttMessage:
    level, _, payload = rest.partition(b" ")
    name = level.decode("utf-8", "replace")
    topic = f"{TOPICS.base}/{name}" if flags & TO_CONSOLE else TOPICS.command(name)
    reply_to = REPLY_TO[flags >> 4 & 3]
    correlation = payload[:8] if flags & CORRELATED else None
    return MqttMessage(topic, payload, bool(flags & RETAINED), reply_to, correlation)


def seeds() -> Iterator[bytes]:
    """Every example, as a command and to the console; a duplicate, a late one, one across a restart."""
    rows = []
    for name, message in EXAMPLES.items():
        flags = 0 if name.startswith("cmd/") else TO_CONSOLE
        rows.append(bytes([flags | CORRELATED, 1]) + name.removeprefix("cmd/").encode() + b" " + message.json_bytes())
    yield from rows
    yield b"\0".join(rows)
    commands = [row for row in rows if not row[0] & TO_CONSOLE]
    for row in commands:
        yield b"\0".join((row, row, bytes([FORGETS, 40]) + row[2:], bytes([RETAINED, 0]) + row[2:]))
    arguments = {"authorise": json.loads(EXAMPLES["cmd/authorise"].json_bytes())["arguments"]}
    head = json.loads(EXAMPLES["cmd/hold"].json_bytes())
    for n, verb in enumerate(COMMANDS):
        asked = {**head, "id": f"fuzz-{n:08d}", "arguments": arguments.get(verb, {})}
        yield bytes([n << 4 & 0x30, 0]) + verb.encode() + b" " + json.dumps(asked).encode()
