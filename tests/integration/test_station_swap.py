"""Whole swaps by the production service over real wires, judged by the plant."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from hil.peers.broker import Kind, find_mosquitto
from station_ctl.uplink.message import Message, read_message
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.record_messages import SwapRecord
from station_ctl.uplink.state_messages import StateMessage, StatusMessage
from tests.integration.mqtt_support import listening
from tests.integration.station_support import BASE, Station, station, wrong
from tests.support import run

M = TypeVar("M", bound=Message)
PACKML = ["idle", "starting", "execute", "completing", "complete", "resetting", "idle"]
needs_mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto not installed")


def _check_record(record: SwapRecord, where: Station, own: list[str], before: dict[str, Any]) -> None:
    best = sorted((s for s in before["bays"].values() if s), key=lambda s: -before["packs"][s])[: len(own)]
    assert (record.outcome, record.vin) == ("completed", where.vin)
    assert record.authorised_by == where.rig.operator._name
    assert [e.mount for e in record.exchanges] == list(range(1, len(own) + 1))
    assert [e.serial_out for e in record.exchanges] == own
    assert [e.serial_in for e in record.exchanges] == best
    for e in record.exchanges:
        assert e.accepted is True
        assert e.soc_in_pct is not None and abs(e.soc_in_pct - before["packs"][e.serial_in]) < 1.5
        assert e.soc_out_pct is not None and abs(e.soc_out_pct - 12.0) < 1.5
        assert e.bay_out is not None and before["bays"][str(e.bay_out)] == e.serial_in
    assert record.started < record.ended
    assert {"unlock", "extract", "stow", "fetch", "insert", "lock", "reconnect"} <= set(record.steps_s)
    assert abs(sum(record.steps_s.values()) - record.duration_s) < 0.5
    journalled = where.rows(f"SELECT json FROM swap WHERE swap_id = '{record.swap_id}'")
    assert len(journalled) == 1
    stored = json.loads(journalled[0][0])
    assert [e["serial_in"] for e in stored["exchanges"]] == best and stored["vin"] == where.vin


async def _check_retained(where: Station, own: list[str]) -> None:
    """What somebody who connects only now is told."""
    async with listening(where.rig.broker.port, f"{BASE}/#", client_id="latecomer") as late:

        async def told(topic: str, model: type[M], wanted: Callable[[M], bool]) -> M:
            """What is retained, or what comes for it within the second that bays and truck may be old."""
            named = await late.until(lambda m: m.topic == topic and wanted(read_message(model, m.payload, topic)))
            return read_message(model, named.payload, topic)

        assert await told(f"{BASE}/status", StatusMessage, lambda m: m.online)
        state = await told(f"{BASE}/state", StateMessage, lambda m: True)
        assert (state.packml, state.step, state.swap_id) == ("Idle", "waiting", None)
        await told(f"{BASE}/truck", TruckMessage, lambda m: m.present == "false" and m.mounts == ())
        bays = [await told(f"{BASE}/bay/{n}", BayMessage, _consistent) for n in range(1, 10)]
    assert all(m.retain for m in late.heard[:10])
    assert set(own) <= {b.serial for b in bays}


def _consistent(bay: BayMessage) -> bool:
    return bay.state == ("stored" if bay.serial else "empty")


@pytest.mark.parametrize(
    ("kind", "packs"),
    [("iotcore", 3), pytest.param("mosquitto", 1, marks=[pytest.mark.mosquitto, needs_mosquitto])],
)
def test_a_set_is_swapped_and_the_plant_agrees(kind: Kind, packs: int) -> None:
    async def main() -> None:
        async with station(broker=kind) as there:
            await there.up()
            before = await there.rig.plant.truth()
            own = await there.truck(packs)
            asked = await there.authorise()
            record = await there.record()
            assert (await there.rig.operator.ended(asked)).verdict == "completed"
            assert there.rig.operator.verdicts(asked.id) == ["accepted", "completed"]
            after = await there.rig.plant.truth()
            assert wrong(before, after, own) == []
            assert {m["outcome"] for m in after["motions"]} == {"DONE"} and there.stops() == []
            _check_record(record, there, own, before)
            await _check_retained(there, own)
            states = [s for s in there.states() if not s.startswith(("suspend", "unsuspend"))]
            assert [s for s, before in zip(states, ["", *states], strict=False) if s != before][-7:] == PACKML
            await _stop_idle(there)

    run(main(), timeout_s=55.0)


async def _stop_idle(there: Station) -> None:
    """SIGTERM at rest: a clean end, said to systemd and to the broker."""
    there.listener.forget()
    assert await there.rig.controller.stop() == 0
    assert "STOPPING=1" in there.rig.controller.notified and "WATCHDOG=1" in there.rig.controller.notified
    gone = await there.listener.until(lambda m: m.topic == f"{BASE}/status")
    assert read_message(StatusMessage, gone.payload, "").online is False
