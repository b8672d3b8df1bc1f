"""The command desk: one execution, one verdict and one completion for each id, whatever happens around it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from drivers.mqtt_values import MqttMessage
from station_ctl.uplink.admission import Refusal
from station_ctl.uplink.desk import COMMANDS_MAX, LOST, URGENT_RESERVE, CommandDesk
from station_ctl.uplink.message import read_message
from station_ctl.uplink.requests import PlainCommand, ReplyMessage
from station_ctl.uplink.roles import Roles
from station_ctl.uplink.topics import Topics
from tests.support import run
from tests.uplink_examples import HOLD, NOW, MemoryLog

TOPICS = Topics("st1")


class Desk:
    """A desk with its surroundings."""

    def __init__(self, log: MemoryLog | None = None) -> None:
        self.log = log or MemoryLog()
        self.sent: list[MqttMessage] = []
        self.now = NOW
        self.desk = CommandDesk(
            TOPICS,
            self.log,
            reply=self.sent.append,
            state=lambda: "Idle",
            sequence=lambda: 1,
            roles=Roles(),
            clock=lambda: self.now,
        )

    async def ask(self, command: PlainCommand = HOLD, verb: str = "hold", correlation: bytes = b"c") -> None:
        payload = command.json_bytes()
        await self.desk.take(MqttMessage(TOPICS.command(verb), payload, False, TOPICS.reply("t"), correlation))

    def replies(self) -> list[ReplyMessage]:
        return [read_message(ReplyMessage, m.payload, m.topic) for m in self.sent]

    def verdicts(self) -> list[str]:
        return [reply.verdict for reply in self.replies()]

    async def told(self) -> None:
        while self.desk.untold:  # noqa: ASYNC110  # a worker that never waits for long
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def a_desk(log: MemoryLog | None = None) -> AsyncIterator[Desk]:
    desk = Desk(log)
    worker = asyncio.create_task(desk.desk.write_verdicts())
    try:
        yield desk
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


def _command(n: int) -> PlainCommand:
    return HOLD.model_copy(update={"id": f"command-{n}"})


def test_accepted_then_completed_with_correlation_kept() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask(correlation=b"\x00\xff")
            admitted = d.desk.commands.get_nowait()
            d.desk.answer(admitted, "accepted")
            d.desk.answer(admitted, "completed", "holding")
            await d.told()
            assert d.verdicts() == ["accepted", "completed"]
            assert {m.correlation for m in d.sent} == {b"\x00\xff"}
            assert d.replies()[1].reason == "holding"
            assert read_message(ReplyMessage, d.log.verdicts[HOLD.id].encode(), "log").verdict == "completed"

    run(main())


def test_id_is_in_the_log_before_the_controller_has_the_command() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask()
            assert d.desk.commands.qsize() == 1
            first = read_message(ReplyMessage, d.log.verdicts[HOLD.id].encode(), "log")
            assert (first.verdict, first.reason) == ("failed", LOST)

    run(main())


def test_what_expires_while_it_is_written_down_is_not_given_to_the_controller() -> None:
    async def main() -> None:
        log = MemoryLog()
        async with a_desk(log) as d:
            record = log.record

            async def slow(*entry: Any) -> None:
                await record(*entry)
                d.now = HOLD.expires_at

            log.record = slow  # type: ignore[method-assign]
            await d.ask()
            assert d.desk.commands.empty()
            assert d.verdicts() == ["rejected"]
            assert d.desk.rejected[Refusal.EXPIRED] == 1
            assert read_message(ReplyMessage, log.verdicts[HOLD.id].encode(), "log").verdict == "rejected"

    run(main())


def test_verdict_is_in_the_log_before_it_is_told() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask()
            d.desk.answer(d.desk.commands.get_nowait(), "accepted")
            assert d.sent == []
            await d.told()
            assert d.log.history[-1][2].encode() == d.sent[0].payload

    run(main())


def test_duplicate_is_answered_from_the_log_and_not_executed() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask()
            await d.ask(correlation=b"again")  # not judged yet: nothing to tell, the answer comes
            assert d.sent == []
            admitted = d.desk.commands.get_nowait()
            d.desk.answer(admitted, "accepted")
            await d.told()
            await d.ask(correlation=b"again")
            d.desk.answer(admitted, "completed")
            await d.told()
            await d.ask(correlation=b"again")
            assert d.verdicts() == ["accepted", "accepted", "completed", "completed"]
            assert [m.correlation for m in d.sent] == [b"c", b"again", b"c", b"again"]
            assert d.desk.commands.empty()
            assert d.desk.rejected[Refusal.DUPLICATE] == 3

    run(main())


def test_after_a_power_cut_the_same_id_is_not_executed() -> None:
    async def main() -> None:
        async with a_desk() as before:
            await before.ask()
        async with a_desk(before.log) as after:
            await after.ask()
            assert after.desk.commands.empty()
            assert after.verdicts() == ["failed"]

    run(main())


def test_rejected_by_the_controller_ends_it() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask()
            admitted = d.desk.commands.get_nowait()
            d.desk.answer(admitted, "rejected", "not now")
            d.desk.answer(admitted, "completed")
            await d.told()
            assert d.verdicts() == ["rejected"]
            assert d.desk.misused == 1

    run(main())


def test_verdicts_out_of_order_are_counted_not_sent() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask()
            admitted = d.desk.commands.get_nowait()
            d.desk.answer(admitted, "completed")
            d.desk.answer(admitted, "accepted")
            d.desk.answer(admitted, "accepted")
            d.desk.answer(admitted, "failed")
            d.desk.answer(admitted, "failed")
            await d.told()
            d.desk.answer(admitted, "failed")
            assert d.verdicts() == ["accepted", "failed"]
            assert d.desk.misused == 4

    run(main())


def test_refused_commands_are_answered_counted_and_audited() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask(HOLD.model_copy(update={"expires_at": NOW - timedelta(seconds=1)}))
            assert d.replies()[0].reason.startswith("expired: expired at 2026-03-02T07:05:08.123Z")
            assert d.desk.rejected == {Refusal.EXPIRED: 1}
            assert d.log.history[0][0] == HOLD.id
            await d.desk.take(MqttMessage(TOPICS.command("hold"), b"no json"))  # nowhere to answer to
            assert d.desk.unanswerable == 1
            assert d.desk.rejected[Refusal.NOT_JSON] == 1

    run(main())


def test_full_desk_says_busy_but_hold_and_abort_still_get_through() -> None:
    async def main() -> None:
        async with a_desk() as d:
            for n in range(COMMANDS_MAX + 1):
                await d.ask(_command(n), "clear")
            assert d.desk.rejected == {Refusal.BUSY: 1}
            for n in range(URGENT_RESERVE + 1):
                await d.ask(_command(1000 + n), "abort")
            assert d.desk.rejected == {Refusal.BUSY: 2}
            assert d.desk.commands.full()

    run(main())


def test_what_cannot_be_journalled_is_not_executed() -> None:
    async def main() -> None:
        async with a_desk() as d:
            d.log.broken = True
            await d.ask()
            assert d.desk.commands.empty()
            assert d.desk.rejected == {Refusal.NOT_JOURNALLED: 1}
            assert "disk is full" in d.replies()[0].reason

    run(main())


def test_verdict_is_told_even_if_the_log_fails_meanwhile() -> None:
    async def main() -> None:
        async with a_desk() as d:
            await d.ask()
            d.log.broken = True
            d.desk.answer(d.desk.commands.get_nowait(), "accepted")
            await d.told()
            assert d.verdicts() == ["accepted"]
            assert d.desk.log_errors == 1

    run(main())
