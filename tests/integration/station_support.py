"""A whole station under test: the production service over real wires; the plant's own word is what counts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from drivers.mqtt_values import MqttMessage
from hil.rig.setting import STATION_ID, Setting
from hil.rig.station import Rig, rig
from station_ctl.uplink.record_messages import SwapRecord
from station_ctl.uplink.requests import ReplyMessage
from station_ctl.uplink.state_messages import StateMessage
from tests.integration.mqtt_support import Listener, listening

VIN = "LTESTTRUCK0000001"
SPEED = 100.0
QUICK = Setting(speed=SPEED, period_ms=20, poll_ms=10, broker="iotcore")
BASE = f"swap/v1/{STATION_ID}"


@dataclass
class Station:
    """A rig, what its plant said unasked, and all that the broker carried."""

    rig: Rig
    listener: Listener
    plant_events: list[dict[str, Any]] = field(default_factory=list)
    trucks: int = 0

    async def up(self) -> None:
        """As a person brings it up: clear, reset, Idle."""
        await self.rig.start_up()
        await self.rig.operator.reaches("Idle")

    async def truck(self, packs: int = 1) -> list[str]:
        """A truck drives in, well parked; the serials it carries."""
        self.trucks += 1
        serials = [f"TRK{self.trucks}-{n:08d}" for n in range(1, packs + 1)]
        parked = {"x_error_mm": 5.0, "y_error_mm": -5.0, "angle_deg": 0.1}
        await self.rig.plant.ask("truck_arrives", vin=self.vin, mounts=packs, serials=serials, **parked)
        return serials

    @property
    def vin(self) -> str:
        return f"{VIN[:-1]}{self.trucks}"

    async def authorise(self) -> ReplyMessage:
        """Leave for the truck in the lane; the first verdict."""
        return await self.rig.operator.send("authorise", wait=False, vin=self.vin, timeout_s=60.0)

    async def pace(self, times: float) -> None:
        """Let the plant move at another speed from now on."""
        await self.rig.plant.ask("speed", times=times)

    async def moving_in(self, step: str, slow: float, after: str) -> dict[str, Any]:
        """Run at full speed to step `after`, slowly from there, and stop looking once the robot moves in `step`."""
        await self.at_step(after)
        await self.pace(slow)
        await self.at_step(step)
        async with asyncio.timeout(20.0):
            while True:
                truth = await self.rig.plant.truth()
                if truth["plc"]["state"] == "EXECUTING" and truth["robot"]["moving"]:
                    return truth

    async def at_step(self, step: str, timeout_s: float = 30.0) -> None:
        """Return once the station has come to a step, short as it may be: events tell every one."""
        code = f"step.{step}"
        await self.listener.until(lambda m: m.topic == f"{BASE}/event" and self._code(m) == code, timeout_s)

    @staticmethod
    def _code(event: MqttMessage) -> str:
        return str(json.loads(event.payload)["code"])

    async def stands(self) -> dict[str, Any]:
        """The truth once nothing moves any more."""
        async with asyncio.timeout(10.0):
            while True:
                truth = await self.rig.plant.truth()
                if not (truth["robot"]["moving"] or truth["robot"]["active"]):
                    return truth

    async def restarted(self) -> StateMessage:
        """What a service that was started again says of itself."""
        operator = self.rig.operator
        return await operator.until(lambda: operator.state if self.reason()[0] == "restarted" else None, 10.0, "reason")

    async def to_held(self) -> None:
        """What a person does after an abort in a swap: clear, reset; the station asks what to do."""
        await self.rig.operator.reaches("Aborted")
        assert (await self.rig.operator.send("clear")).verdict == "completed"
        assert (await self.rig.operator.send("reset")).verdict == "completed"
        await self.rig.operator.reaches("Held")

    async def resume(self) -> None:
        """Go on where it stopped."""
        assert (await self.rig.operator.send("resume")).verdict == "completed"

    async def record(self, number: int = 1) -> SwapRecord:
        """The swap record, once the truck has left and the station is idle again."""
        records = self.rig.operator.records
        await self.pace(SPEED)
        await self.rig.operator.until(lambda: records[number - 1] if len(records) >= number else None, 45.0, "record")
        await self.rig.operator.reaches("Idle")
        return records[number - 1]

    def reason(self) -> tuple[str, str]:
        """Code and text of why the station waits or stands."""
        state = self.rig.operator.state
        return (state.reason.code, state.reason.text) if state and state.reason else ("", "")

    def stops(self) -> list[str]:
        """Why the PLC stopped motions, in order."""
        return [e["reason"] for e in self.plant_events if e["event"] == "stop"]

    def states(self) -> list[str]:
        """The PackML states that the events told, in order; the retained snapshot leaves short ones out."""
        said = [self._code(m) for m in self.listener.heard if m.topic == f"{BASE}/event"]
        return [code.removeprefix("state.") for code in said if code.startswith("state.")]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the journal holds, read beside the running service as a person would."""
        path = tomllib.loads(self.rig.config.read_text())["station"]["journal"]
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def log(self) -> str:
        """All that the service logged."""
        return self.rig.controller._log.read_text(encoding="utf-8")

    async def publish(self, topic: str, payload: bytes, correlation: bytes, **more: Any) -> None:
        """Any bytes on any topic, with somewhere to answer to."""
        await self.listener.client.publish(
            MqttMessage(topic, payload, response_topic=f"{BASE}/reply/test", correlation=correlation, **more)
        )


@contextlib.asynccontextmanager
async def station(setting: Setting = QUICK, **changes: Any) -> AsyncIterator[Station]:
    """A station up and running: Aborted, as it boots. At its end: the service's cycle never failed."""
    events: list[dict[str, Any]] = []
    async with (
        rig(replace(setting, **changes), on_event=events.append) as there,
        listening(there.broker.port, f"{BASE}/#", client_id="watcher") as listener,
    ):
        found = Station(there, listener, events)
        yield found
        assert "Traceback" not in found.log(), found.log()[-3000:]


def wrong(before: dict[str, Any], after: dict[str, Any], own: list[str]) -> list[str]:
    """What the plant holds against a swap whose truck came with the packs `own` and has left.

    The right packs are the best charged of those in the bays before; every pack must be where it belongs.
    """
    stock = sorted((s for s in before["bays"].values() if s), key=lambda s: -before["packs"][s])
    right = stock[: len(own)]
    left = after["departed"][-1]["packs"]
    in_bays = {s for s in after["bays"].values() if s}
    found = [] if sorted(left.values()) == sorted(right) else [f"left with {left}, expected {right}"]
    found += [f"old pack {s} is in no bay" for s in sorted(set(own) - in_bays)]
    found += [f"pack {s} was lost" for s in sorted(set(stock) - set(right) - in_bays)]
    return found + harm(after)


def harm(after: dict[str, Any]) -> list[str]:
    """What must never happen, whatever the swap came to."""
    found = [f"the plant saw: {v}" for v in after["violations"]]
    found += [f"command {m['sequence']} ran {m['started']} times" for m in after["motions"] if m["started"] != 1]
    loose = [n for n, serial in after["bays"].items() if serial and not after["bays_locked"][n]]
    return (
        found + [f"bay {n} is not locked" for n in loose] + (["a pack hangs on the robot"] if after["gripper"] else [])
    )
