"""The command desk: takes commands off the wire, lets them in or not, and gives each its verdicts.

Each command gets exactly one `accepted` or `rejected`, and an accepted one later exactly one `completed` or `failed`.
A verdict is in the command log before it is told. An id is in the log before its command is given to the controller,
with the verdict that would be true if the power failed right then; so no id is ever executed twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from drivers.errors import StationError
from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.admission import Admitted, CommandLog, Refusal, Rejection, judge, read_command
from station_ctl.uplink.requests import ReplyMessage, Verdict
from station_ctl.uplink.roles import Roles
from station_ctl.uplink.topics import Topics
from station_ctl.wall_clock import utc_now

COMMANDS_MAX = 32
URGENT_RESERVE = 8  # however full the desk is, these still get through
URGENT = frozenset({"hold", "abort"})
REPLY_EXPIRY_S = 120
LOST = "the station stopped before it could judge this command; it was not executed to the end"

log = logging.getLogger(__name__)


_NEXT: dict[Verdict | None, tuple[Verdict, ...]] = {None: ("accepted", "rejected"), "accepted": ("completed", "failed")}


@dataclass(slots=True)
class _Case:
    """A command in hand: the verdict it has, and what its sender was told last."""

    verdict: Verdict | None = None
    told: bytes | None = None


class CommandDesk:
    """Commands in, verdicts out.

    reply: sends one answer, never blocks; state: our PackML state now, None if not known; sequence: numbers replies.
    """

    def __init__(
        self,
        topics: Topics,
        command_log: CommandLog,
        *,
        reply: Callable[[MqttMessage], None],
        state: Callable[[], str | None],
        sequence: Callable[[], int],
        roles: Roles,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.commands: asyncio.Queue[Admitted] = asyncio.Queue(COMMANDS_MAX + URGENT_RESERVE)
        self.rejected: Counter[Refusal] = Counter()
        self.misused = 0  # verdicts out of order: a defect of the caller
        self.unanswerable = 0
        self.log_errors = 0
        self.untold = 0  # verdicts given that are not sent yet
        self._topics = topics
        self._log = command_log
        self._reply = reply
        self._state = state
        self._sequence = sequence
        self._roles = roles
        self._clock = clock
        self._open: dict[str, _Case] = {}  # bounded by COMMANDS_MAX + URGENT_RESERVE
        self._verdicts: asyncio.Queue[tuple[Admitted, ReplyMessage]] = asyncio.Queue()  # at most two for each open one

    async def take(self, message: MqttMessage) -> None:
        """Handle one message on `cmd/<verb>`. Whatever is in it, this ends in a queue, an answer or a count."""
        asked = read_command(self._topics.verb_of(message.topic) or "", message)
        if isinstance(asked, Rejection):
            self._reject(asked, message)
            return
        try:
            if not await self._repeated(asked):
                await self._decide(asked, message)
        except StationError as e:
            self.log_errors += 1
            self._reject(Rejection(Refusal.NOT_JOURNALLED, asked.verb, asked.id, str(e)), message)

    def answer(self, admitted: Admitted, verdict: Verdict, reason: str = "") -> None:
        """Give a command its verdict: first accepted or rejected, then, if accepted, completed or failed.

        Never blocks. A verdict out of that order is a defect of the caller: it is logged, counted and not sent.
        """
        case = self._open.get(admitted.id)
        if case is None or verdict not in _NEXT.get(case.verdict, ()):
            self.misused += 1
            log.error("command %s: verdict %s is out of order", admitted.id, verdict)
            return
        case.verdict = verdict
        self._verdicts.put_nowait((admitted, self._verdict(admitted.id, admitted.verb, verdict, reason)))
        self.untold += 1

    async def write_verdicts(self) -> None:
        """For ever: each verdict into the log, then to the sender."""
        while True:
            admitted, reply = await self._verdicts.get()
            try:
                await self._record(admitted, reply)
            except StationError as e:
                self.log_errors += 1
                log.error("verdict of command %s: %s", admitted.id, e)
            if reply.verdict == "accepted":
                self._open[admitted.id].told = reply.json_bytes()
            else:
                del self._open[admitted.id]
            self._send(reply.json_bytes(), admitted.response_topic, admitted.correlation)
            self.untold -= 1

    async def _repeated(self, asked: Admitted) -> bool:
        case = self._open.get(asked.id)
        told = case.told if case else await self._in_log(asked.id)
        if case is None and told is None:
            return False
        self.rejected[Refusal.DUPLICATE] += 1
        if told is not None:  # else the first asking is still being judged, and its answer goes out soon
            self._send(told, asked.response_topic, asked.correlation)
        return True

    async def _in_log(self, identifier: str) -> bytes | None:
        verdict = await self._log.seen(identifier)
        return None if verdict is None else verdict.encode()

    async def _decide(self, asked: Admitted, message: MqttMessage) -> None:
        verdict = self._judged(asked)
        if isinstance(verdict, Admitted):
            await self._record(asked, self._verdict(asked.id, asked.verb, "failed", LOST))
            verdict = self._judged(asked)  # the disk may have been slow: in time is in time now
        if isinstance(verdict, Rejection):
            await self._record(asked, self._verdict(asked.id, asked.verb, "rejected", verdict.text))
            self._reject(verdict, message)
            return
        self._open[asked.id] = _Case()
        self.commands.put_nowait(asked)

    def _judged(self, asked: Admitted) -> Admitted | Rejection:
        """Whether a command is let in now."""
        verdict = judge(asked, self._clock(), self._state(), self._roles)
        if isinstance(verdict, Admitted) and self._busy(asked):
            text = f"{len(self._open)} commands are in hand; wait for their verdicts"
            return Rejection(Refusal.BUSY, asked.verb, asked.id, text)
        return verdict

    def _busy(self, asked: Admitted) -> bool:
        limit = COMMANDS_MAX + (URGENT_RESERVE if asked.verb in URGENT else 0)
        return len(self._open) >= limit or self.commands.qsize() >= limit

    async def _record(self, asked: Admitted, reply: ReplyMessage) -> None:
        text = reply.json_bytes().decode()
        await self._log.record(asked.id, asked.verb, text, asked.command.issuer, reply.timestamp)

    def _reject(self, rejection: Rejection, message: MqttMessage) -> None:
        self.rejected[rejection.refusal] += 1
        log.warning("%s refused (%s): %s", message.topic[:80], rejection.refusal, rejection.text)
        reason = f"{rejection.refusal}: {rejection.text}"
        reply = self._verdict(rejection.id, rejection.verb[:64], "rejected", reason)
        self._send(reply.json_bytes(), message.response_topic, message.correlation)

    def _verdict(self, identifier: str, verb: str, verdict: Verdict, reason: str) -> ReplyMessage:
        state = self._state() or "Unknown"
        return ReplyMessage(
            sequence=self._sequence(), id=identifier, verb=verb, verdict=verdict, reason=reason, state=state
        )

    def _send(self, payload: bytes, topic: str | None, correlation: bytes | None) -> None:
        if not self._topics.may_answer(topic):
            self.unanswerable += 1
            return
        self._reply(MqttMessage(topic or "", payload, correlation=correlation, expiry_s=REPLY_EXPIRY_S))
