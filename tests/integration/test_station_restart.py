"""The controller dies or is stopped in mid-motion: the PLC stands by itself, and a person decides what goes on."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.station_support import Station, station, wrong
from tests.support import run

LEASE_S = 0.5
SCAN_S = 0.1  # of the PLC, and how late this machine may be with it
STILL_S = 2.0


async def _killed_in(there: Station, before: dict[str, Any]) -> None:
    """SIGKILL: the PLC is not re-armed any more and stops by its own lease."""
    there.rig.controller.kill()
    killed = (await there.rig.plant.truth())["clock_s"]
    truth = await there.stands()
    (stop,) = [e for e in truth["events"] if e["kind"] == "stop"]
    assert stop["reason"] == "LEASE"
    assert before["clock_s"] <= stop["at_s"] <= killed + LEASE_S + SCAN_S
    assert truth["plc"]["state"] == "STOPPED"
    assert await there.rig.controller.stop() == -9


async def _says_what_is_where(there: Station, step: str, own: list[str]) -> None:
    await there.rig.controller.start()
    state = await there.restarted()
    assert state.packml == "Aborted" and state.swap_id is not None
    text = there.reason()[1]
    for wanted in (f"step {step}", state.swap_id, f"mount 1: {own[0]} out, SIMP-00000001 in", "done: none", "clear"):
        assert wanted in text
    assert state.choices == ("authorise", "clear") or state.choices == ("clear",)


async def _nothing_moves(there: Station) -> None:
    """Neither by itself nor because somebody asks for anything but a clear."""
    start = await there.stands()
    for verb in ("resume", "reset", "back_out", "hold"):
        answer = await there.rig.operator.send(verb)
        assert answer.verdict == "rejected" and "Aborted" in answer.reason
    end_s = asyncio.get_running_loop().time() + STILL_S
    while asyncio.get_running_loop().time() < end_s:
        now = await there.rig.plant.truth()
        assert (_axes(now), now["plc"]["motions_started"]) == (_axes(start), start["plc"]["motions_started"])
        await asyncio.sleep(0.1)


def _axes(truth: dict[str, Any]) -> dict[str, Any]:
    """Where the robot's drives are; what hangs on it may still sway."""
    return {name: truth["robot"][name] for name in ("x_mm", "y_mm", "z_mm", "moving", "active")}


def test_killed_in_mid_lift_then_stopped_in_mid_travel_and_it_still_ends_right() -> None:
    async def main() -> None:
        async with station() as there:
            await there.up()
            before = await there.rig.plant.truth()
            own = await there.truck()
            await there.authorise()
            lifting = await there.moving_in("extract", slow=10.0, after="approach_mount")
            assert lifting["motions"][-1]["opcode"] == "LIFT_FROM"
            await _killed_in(there, lifting)
            await _says_what_is_where(there, "extract", own)
            await _nothing_moves(there)
            await there.to_held()
            assert there.reason()[0] == "interrupted"
            started = (await there.rig.plant.truth())["plc"]["motions_started"]
            assert started == lifting["plc"]["motions_started"], "neither clear nor reset moves an interrupted swap"
            await there.resume()
            await there.moving_in("carry_to_bay", slow=10.0, after="carry_to_bay")
            await _stopped_cleanly(there)
            await _says_what_is_where(there, "carry_to_bay", own)
            await there.to_held()
            await there.resume()
            record = await there.record()
            after = await there.rig.plant.truth()
            assert wrong(before, after, own) == []
            assert record.outcome == "completed" and record.exchanges[0].accepted
            assert there.stops() == ["LEASE", "COMMAND"]

    run(main(), timeout_s=55.0)


async def _stopped_cleanly(there: Station) -> None:
    """SIGTERM: the robot is stopped first, by command and not by its lease, and all within 2 s."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    assert await there.rig.controller.stop() == 0
    assert loop.time() - start_s < 2.0
    at_end = await there.rig.plant.truth()
    assert at_end["plc"]["state"] == "STOPPED" and not at_end["robot"]["moving"]
    assert at_end["plc"]["stop_reason"] == "COMMAND"
    assert there.rig.controller.notified[0] == "READY=1"
    assert "STOPPING=1" in there.rig.controller.notified
