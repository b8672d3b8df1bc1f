"""Keeps the record of a run: samples ten times a second, the invariants of the plant in each, and all that was told."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from hil.ground import Ground
from hil.record import Event, Record, Sample, Span, Violation
from hil.scenario import truths
from hil.scenario.story import Story

SAMPLE_S = 0.1


class Keeper:
    """Of one run. `clock` tells the run's own time; `latest` is the last truth seen."""

    def __init__(self, record: Record, ground: Ground, story: Story, clock: Callable[[], float]) -> None:
        self.record = record
        self.latest: dict[str, Any] = {}
        self._ground, self._story, self._clock = ground, story, clock
        self._packs = truths.Packs()
        self._said: dict[str, None] = {}
        self._motions = 0
        self._plant_began_s = 0.0

    async def begin(self) -> None:
        """Take the first look. Raises StationError if the plant does not answer."""
        truth = await self.truth()
        self._plant_began_s = truth["clock_s"]
        self._motions = len(truth["motions"])

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self.sample(await self.truth())
            await asyncio.sleep(SAMPLE_S)

    async def truth(self) -> dict[str, Any]:
        """The plant's truth now, with what must not be in it noted."""
        answer = await self._ground.ask("truth")
        self.latest = truth = answer["truth"]
        for text in self._packs.wrong(truth):
            self.violation("pack_in_one_place", text)
        return self.latest

    def sample(self, truth: dict[str, Any]) -> None:
        """Keep one sample, and the motions that began since the one before."""
        robot, now = truth["robot"], self._story.now
        self.record.samples.append(
            Sample(
                at_s=self._clock(),
                packml=now.packml,
                step=now.step,
                x_mm=robot["x_mm"],
                y_mm=robot["y_mm"],
                z_mm=robot["z_mm"],
                load_kg=robot.get("load_kg", now.load_kg),
                permits=now.permits,
                causes=now.causes,
            )
        )
        for motion in truth["motions"][self._motions :]:
            self.event("command", f"{motion['opcode']} (command {motion['sequence']})")
        self._motions = len(truth["motions"])

    def event(self, kind: str, text: str) -> None:
        """Something happened now."""
        self.record.events.append(Event(self._clock(), kind, text))

    def violation(self, invariant: str, text: str) -> None:
        """Something happened that must not; said once."""
        if text not in self._said:
            self._said[text] = None
            self.record.violations.append(Violation(self._clock(), invariant, text))

    def began(self, name: str, text: str) -> None:
        """A fault, or a state of the plant, that lasts from now on."""
        self.record.faults.append(Span(name, text, self._clock()))

    def over(self, name: str | None) -> None:
        """What lasted is over now; None: all of it."""
        self.record.faults = [
            Span(s.name, s.text, s.from_s, self._clock()) if s.until_s is None and name in (None, s.name) else s
            for s in self.record.faults
        ]

    async def finish(self) -> None:
        """Look at the whole run once more, and close the record. Raises StationError if the plant does not answer."""
        truth = await self.truth()
        self.sample(truth)
        for text in truths.twice(truth):
            self.violation("executed_once", text)
        for wrong in truth["violations"]:
            details = {k: v for k, v in wrong.items() if k not in ("at_s", "what")}
            at_s = round(wrong["at_s"] - self._plant_began_s, 4)
            self.record.violations.append(Violation(at_s, "plant", f"{wrong['what']} {details}".removesuffix(" {}")))
        self._plant_events(truth)
        self._histograms(truth)
        self.record.duration_s = self._clock()

    def close(self) -> None:
        """What needs no plant: the events in their order, and the hash of it all."""
        self.record.events += self._story.events
        self.record.events.sort(key=lambda event: event.at_s)
        self.record.log_hash = log_hash(self.record)

    def _plant_events(self, truth: dict[str, Any]) -> None:
        for event in truth["events"]:
            at_s = round(event["at_s"] - self._plant_began_s, 4)
            if at_s >= 0:
                details = ", ".join(f"{k} {v}" for k, v in event.items() if k not in ("at_s", "kind"))
                kind = "stop" if event["kind"] == "stop" else "plant"
                self.record.events.append(Event(at_s, kind, f"{event['kind']}: {details}"))

    def _histograms(self, truth: dict[str, Any]) -> None:
        metrics = self._story.metrics
        values = {
            "danger to withdrawal at the PLC": [1000 * s for s in truth["stop_latencies_s"]],
            "cycle period, p99 of each second": [m.cycle_period_ms.p99 for m in metrics],
            "cycle lateness, max of each second": [m.lateness_ms.max for m in metrics],
            "Modbus round trip, p50 of each second": [m.modbus_round_trip_ms.p50 for m in metrics],
        }
        self.record.histograms = {name: found for name, found in values.items() if found}


def log_hash(record: Record) -> str:
    """SHA-256 of all that a run is, without what the wall's clock and this machine bring in."""
    whole = asdict(record)
    for label in ("began_utc", "wall_s", "versions", "log_hash"):
        del whole[label]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Of what took part: the controller, Python, the libraries on the wires."""
    names = ("station-ctl", "pymodbus", "python-can", "aiomqtt")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}
