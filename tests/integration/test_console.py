"""The console as a person runs it: a process with output and an exit status."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator

from hil.peers.broker import Broker
from station_ctl.uplink.requests import Verdict
from station_ctl.uplink.uplink import Uplink
from tests.integration.mqtt_support import endpoint, until
from tests.support import free_port, run
from tests.uplink_examples import ALARM_PART, ALARMS, EVENT, STATE, VIN, MemoryLog

IDLE = STATE.model_copy(update={"packml": "Idle"})


async def _console(port: int, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "station_ctl.console.cli", *arguments, "--port", str(port), "--station", "st1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(15):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@contextlib.asynccontextmanager
async def station(*verdicts: tuple[Verdict, str]) -> AsyncIterator[int]:
    """A broker and a station that gives these verdicts to every command; yields the broker's port."""
    async with Broker("iotcore") as broker:
        uplink = Uplink("st1", endpoint(broker.port), MemoryLog(), version="0.1.0", boot_id="b")
        uplink.state(IDLE)

        async def obey() -> None:
            while True:
                admitted = await uplink.commands.get()
                for verdict, reason in verdicts:
                    uplink.answer(admitted, verdict, reason)

        tasks = [asyncio.create_task(uplink.run(), name="uplink"), asyncio.create_task(obey(), name="controller")]
        try:
            await until(lambda: uplink.connected)
            uplink.emit(EVENT)
            yield broker.port
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def test_send_prints_both_verdicts_and_exits_0() -> None:
    async def main() -> None:
        async with station(("accepted", ""), ("completed", "truck authorised")) as port:
            arguments = ("send", "authorise", "--vin", VIN, "--packs", "2", "--expect", "Idle", "--timeout", "10")
            status, out, err = await _ended(await _console(port, *arguments))
        assert (status, err) == (0, "")
        assert out.splitlines() == [
            "authorise accepted (station is Idle)",
            "authorise completed: truck authorised (station is Idle)",
        ]

    run(main(), 40)


def test_send_tells_rejected_from_failed_by_exit_status() -> None:
    async def main() -> None:
        async with station(("accepted", ""), ("failed", "robot refused")) as port:
            failed, rejected = await asyncio.gather(
                _console(port, "send", "resume", "--json", "--timeout", "10"),
                _console(port, "send", "resume", "--expect", "Held", "--timeout", "10"),
            )
            status, out, _ = await _ended(failed)
            assert status == 2
            assert [json.loads(line)["verdict"] for line in out.splitlines()] == ["accepted", "failed"]
            status, out, _ = await _ended(rejected)
            assert status == 1
            assert "the station is Idle, the command was meant for Held" in out

    run(main(), 40)


def test_send_without_answer_exits_3_and_says_what_is_missing() -> None:
    async def main() -> None:
        async with station(("accepted", "")) as port:
            silent, absent = await asyncio.gather(
                _console(port, "send", "hold", "--timeout", "2"),
                _console(free_port(), "send", "hold", "--timeout", "2"),
            )
            status, _, err = await _ended(silent)
            assert status == 3
            assert "no final verdict within 2 s" in err
            status, _, err = await _ended(absent)
            assert status == 3
            assert "no answer within 2 s" in err
            assert "refused" in err

    run(main(), 40)


def test_alarms_lists_what_the_station_retains_active_ones_first() -> None:
    active = ALARM_PART.model_copy(update={"id": "smoke.bay:bay-2", "state": "unacknowledged", "active": True})

    async def main() -> None:
        async with Broker("iotcore") as broker:
            uplink = Uplink("st1", endpoint(broker.port), MemoryLog(), version="0.1.0", boot_id="b")
            uplink.state(ALARMS.model_copy(update={"alarms": (active, ALARM_PART)}))
            task = asyncio.create_task(uplink.run(), name="uplink")
            await until(lambda: uplink.connected)
            plain, as_json, absent = await asyncio.gather(
                _console(broker.port, "alarms"),
                _console(broker.port, "alarms", "--json"),
                _console(free_port(), "alarms", "--timeout", "1"),
            )
            status, out, err = await _ended(plain)
            assert (status, err) == (0, "")
            counts, first, second = out.splitlines()
            assert "1 shelved" in counts
            for part in ("low", "unacknowledged", "smoke.bay:bay-2", "57.5 degC, limit 55 degC", "since", "cooling"):
                assert part in first
            assert "shelved by panel until" in second
            status, out, _ = await _ended(as_json)
            assert status == 0 and len(json.loads(out)["alarms"]) == 2
            status, _, err = await _ended(absent)
            assert status == 3 and "no list of alarms within 1 s" in err
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run(main(), 40)


def test_wrong_usage_is_told_apart_and_nothing_is_sent() -> None:
    async def main() -> None:
        port = free_port()
        wrong = (
            ("send", "authorise", "--vin", "short"),
            ("send", "halt"),
            ("send", "hold", "--password-file", "/nowhere"),
            ("send", "hold", "--timeout", "-1"),
            ("send", "ack"),
            ("send", "shelve", "--alarm", "smoke.bay:bay-2", "--minutes", "0"),
            ("send", "out_of_service", "--alarm", "smoke.bay:bay-2"),
        )
        for started in await asyncio.gather(*(_console(port, *arguments) for arguments in wrong)):
            status, out, err = await _ended(started)
            assert (status, out) == (64, "")
            assert err.strip()

    run(main(), 40)


def test_watch_shows_what_is_and_what_happens() -> None:
    async def main() -> None:
        async with station() as port:
            plain, as_json = await asyncio.gather(_console(port, "watch"), _console(port, "watch", "--json"))
            try:
                assert plain.stdout is not None
                assert as_json.stdout is not None
                async with asyncio.timeout(15):
                    shown = [(await plain.stdout.readline()).decode() for _ in range(2)]
                    parsed = [json.loads(await as_json.stdout.readline()) for _ in range(2)]
            finally:
                for process in (plain, as_json):
                    process.terminate()
                    await process.communicate()
        assert any("online" in line for line in shown)
        assert any("Idle" in line and "step position" in line and "re-park" not in line for line in shown)
        assert {entry["topic"] for entry in parsed} == {"swap/v1/st1/status", "swap/v1/st1/state"}

    run(main(), 40)
