"""One station of the endurance run: truck after truck over a faulty wire, a person who puts right what stops."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.measure import audit
from hil.measure.groups import leaves
from hil.rig.person import Person, Visitor, send_truck
from hil.rig.processes import RigError
from hil.rig.setting import Setting
from hil.rig.station import Rig, rig
from station_ctl.swap.table import STEPS
from station_ctl.uplink.message import Message

log = logging.getLogger(__name__)

STOCK = (95.0, 95.0, 95.0, 95.0, 95.0)
SPEEDS = (60.0, 120.0, 240.0)
"""Motions of 5 to 15 s take 20 to 250 ms: some end within a lost reply, some see several."""
SWAP_S = 120.0
ON_THE_WAY = tuple(step.name for step in STEPS[3:-2])
"""Steps of every swap, from parking to the way out; once one of the first CUT_IN is reached, the wire is cut."""
CUT_IN = ON_THE_WAY.index("carry_to_mount")


@dataclass(slots=True)
class Tally:
    """What one station saw."""

    swaps: int = 0
    motions: int = 0
    executed: int = 0
    withdrawn: int = 0
    wire: Counter[str] = field(default_factory=Counter)
    person: Counter[str] = field(default_factory=Counter)
    stood: Counter[str] = field(default_factory=Counter)
    plc: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take in another station's."""
        for name in ("swaps", "motions", "executed", "withdrawn"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("wire", "person", "stood", "plc"):
            getattr(self, name).update(getattr(other, name))
        self.faults += other.faults


class Station:
    """Swaps one truck at a time. Every draw comes from `seed`."""

    def __init__(self, station: Rig, seed: str, first: int) -> None:
        self.tally = Tally()
        self._station, self._rng, self._number = station, random.Random(seed), first
        self._person = Person(station.operator)

    async def swap(self) -> None:
        """One truck in and out, with random reply losses, delays and at least one reconnect. Faults go to the tally."""
        plant, rng = self._station.plant, self._rng
        await plant.ask("charge")
        await plant.ask("speed", times=rng.choice(SPEEDS))
        before, wire = await plant.truth(), await self._wire("wire")
        noise = {
            "kind": "modbus.noise",
            "drop_reply_rate": rng.uniform(0.002, 0.015),
            "drop_request_rate": rng.uniform(0.0, 0.004),
            "cut_rate": rng.uniform(0.0, 2e-4),
            "delay_rate": rng.uniform(0.02, 0.1),
            "delay_min_ms": 2,
            "delay_max_ms": rng.uniform(10, 150),
        }
        visitor = await send_truck(self._station, self._number, rng.randint(1, 3))
        self._number += 1
        await self._wire("fault", fault=noise)
        try:
            async with asyncio.TaskGroup() as group:
                breaker = group.create_task(self._break(rng.randrange(CUT_IN)), name="breaker")
                await self._through(visitor)
                breaker.cancel()
        finally:
            done = await self._wire("heal")
        self._count(visitor, done - wire)
        await self._check(visitor, before)

    async def _break(self, wanted: int) -> None:
        """Once the swap has come to a step: cut the connection, and lose replies of its next writes for certain."""
        operator = self._station.operator

        def come() -> Message | None:
            state = operator.state
            there = state is not None and state.step in ON_THE_WAY and ON_THE_WAY.index(state.step) >= wanted
            return state if there else None

        await operator.until(come, SWAP_S, f"step {ON_THE_WAY[wanted]} or later")
        await asyncio.sleep(self._rng.uniform(0.0, 0.1))
        cuts = (await self._wire("wire"))["cut"]
        await self._wire("fault", fault={"kind": "modbus.cut", "count": 1})
        while (await self._wire("wire"))["cut"] == cuts:  # noqa: ASYNC110 - the next frame is cut, there is none yet
            await asyncio.sleep(0.02)
        await asyncio.sleep(self._rng.uniform(0.2, 0.4))
        await self._wire("fault", fault={"kind": "modbus.drop_replies", "count": self._rng.randint(1, 2)})

    async def _through(self, visitor: Visitor) -> None:
        """Until the truck is recorded and gone and the station idle; the person helps. Raises RigError if it stays."""
        operator = self._station.operator

        def over() -> Message | None:
            idle = operator.state is not None and operator.state.packml == "Idle"
            recorded = any(record.vin == visitor.vin for record in operator.records)
            return operator.state if self._person.needed or (idle and recorded) else None

        try:
            async with asyncio.timeout(SWAP_S):
                while True:
                    await operator.until(over, SWAP_S, f"end of the swap of {visitor.vin}")
                    if not self._person.needed:
                        return
                    await self._person.put_right()
        except TimeoutError:
            raise RigError(
                "the swap does not end", where=visitor.vin, value=operator.now, limit=f"{SWAP_S:g} s"
            ) from None

    async def _wire(self, do: str, **arguments: Any) -> Counter[str]:
        answer = await self._station.plant.ask(do, **arguments)
        return Counter(answer["counters"])

    def _count(self, visitor: Visitor, wire: Counter[str]) -> None:
        self.tally.swaps += 1
        self.tally.wire.update(wire)
        if not wire["cut"]:
            self.tally.faults.append(f"{visitor.vin}: the bench did not cut the wire in this swap")

    async def _check(self, visitor: Visitor, before: dict[str, Any]) -> None:
        after = await self._station.plant.truth()
        notes = audit.read_journal(self.journal)
        records = notes.records.get(visitor.vin, [])
        self.tally.faults += audit.visit(visitor.vin, visitor.serials, before, after, records)

    @property
    def journal(self) -> Path:
        """The controller's journal file."""
        return self._station.config.parent / "journal.db"

    async def close(self) -> Tally:
        """Count what the whole run came to."""
        truth, tally = await self._station.plant.truth(), self.tally
        verdict = audit.commands(truth["motions"], audit.read_journal(self.journal))
        tally.motions, tally.executed, tally.withdrawn = len(truth["motions"]), verdict.executed, verdict.withdrawn
        tally.faults += [*verdict.faults, *(f"the plant saw: {v}" for v in truth["violations"])]
        tally.person, tally.stood = self._person.counts, self._person.stood
        tally.plc = Counter(truth["plc"]["counters"])
        return tally


async def run(more: Callable[[], bool], seed: str, first: int, on_swap: Callable[[], None]) -> Tally:
    """Swaps on a station of its own while there are `more`; one that cannot go on is a fault, and ends its run.

    first: number of the first truck.
    """
    setting = Setting(
        speed=SPEEDS[0],
        seed=random.Random(seed).randrange(1 << 30),
        period_ms=20,
        poll_ms=10,
        wire_faults=True,
        packs_soc_pct=STOCK,
    )
    async with rig(setting) as bench:
        await bench.start_up()
        station = Station(bench, seed, first)
        try:
            while more():
                await station.swap()
                on_swap()
        except* (RigError, TimeoutError) as group:
            found = [f"{type(e).__name__}: {e}" for e in leaves(group)]
            log.error("station of seed %s ends: %s", seed, "; ".join(found))
            station.tally.faults += found
        return await station.close()
