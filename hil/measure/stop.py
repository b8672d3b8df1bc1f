"""Section `stop`: from a dangerous input to the stop on the Modbus wire, as the PLC peer measures it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from hil.measure.figures import Section, quantile
from hil.rig.person import Person, send_truck
from hil.rig.processes import RigError
from hil.rig.setting import Setting
from hil.rig.station import Rig, rig
from station_ctl.uplink.state_messages import StateMessage

PERIOD_MS = 50
MOUNTS = 3
TRAVEL_SPEED = 5.0
"""Motions of 5 to 15 s last 1 to 3 s: room for a random phase, and 200 stops do not take an hour."""
UNLOCK_SPEED = 0.02
"""An UNLOCK of 3 s lasts 150 s, so that it can be stopped often."""
APPROACH_SPEED = 10.0
DECAY_SPEED = 10.0
PHASE_S = (0.0, 0.4)
"""The danger comes at random within this time of the motion being seen, several periods of everything."""
TRAVELS = ("approach_mount", "extract", "carry_to_bay", "approach_bay", "fetch", "carry_to_mount", "insert", "stow")
FRESH_S = 0.3
"""The person waits so long until every sensor has said that the place is safe."""

KINDS = {"zone_clear": "zone entered, robot travels or lifts", "contactor": "contactor closes while unlocking"}


class Stops:
    """A harness that endangers a station at random phases and puts it right afterwards."""

    def __init__(self, station: Rig, seed: int) -> None:
        self._station, self._rng = station, random.Random(f"{seed} stops")
        self._person = Person(station.operator)
        self._trucks = 0
        self._own: tuple[str, ...] = ()

    async def zone(self, wanted: int) -> None:
        """So many people enter the zone while the robot travels or lifts. Raises RigError if they cannot."""
        await self._station.plant.ask("speed", times=TRAVEL_SPEED)
        await self._repeat("zone_clear", wanted, TRAVELS, lambda clear: self._station.plant.ask("zone", clear=clear))

    async def contactor(self, wanted: int) -> None:
        """So many times a contactor closes while its mount is unlocked. Raises RigError if it cannot."""
        plant = self._station.plant
        await plant.ask("speed", times=APPROACH_SPEED)
        await self._moving(("unlock",))
        await plant.ask("speed", times=UNLOCK_SPEED)
        mount = await self._mount()

        async def weld(clear: bool) -> None:
            await plant.ask("contactor", mount=mount, closed=not clear)
            if clear:  # nothing moves now: let the voltage outside of the contactor decay as fast as it really does
                await plant.ask("speed", times=DECAY_SPEED)
                await asyncio.sleep(FRESH_S)
                await plant.ask("speed", times=UNLOCK_SPEED)

        await self._repeat("contactor", wanted, ("unlock",), weld)

    async def _repeat(
        self, kind: str, wanted: int, steps: tuple[str, ...], danger: Callable[[bool], Awaitable[object]]
    ) -> None:
        for _ in range(3 * wanted + 5):
            if counted(await self._station.plant.truth())[kind] >= wanted:
                return
            await self._moving(steps)
            await asyncio.sleep(self._rng.uniform(*PHASE_S))
            await danger(False)
            await self._stands()
            await danger(True)
            await asyncio.sleep(FRESH_S)
        raise RigError("too few dangers fell into a motion", where=kind, limit=wanted)

    async def _moving(self, steps: tuple[str, ...]) -> None:
        """Wait until the robot moves in one of these steps; put the station right and send trucks on the way there."""
        operator = self._station.operator
        while True:
            await self._person.put_right()
            if operator.state is not None and operator.state.packml == "Idle":
                await self._next_truck()
            with contextlib.suppress(RigError):  # a stop of its own, or a truck that has gone: look again
                await operator.until(lambda: self._moves(steps), 5.0, "motion")
                return

    async def _next_truck(self) -> None:
        self._trucks += 1
        await self._station.plant.ask("charge")
        self._own = (await send_truck(self._station, self._trucks, MOUNTS)).serials
        await self._station.operator.reaches("Starting", 60.0)

    def _moves(self, steps: tuple[str, ...]) -> StateMessage | None:
        state = self._station.operator.state
        moving = state is not None and state.reason is not None and state.reason.code == "moving"
        return state if moving and state is not None and state.packml == "Execute" and state.step in steps else None

    async def _stands(self) -> None:
        """Until the station is Aborted; or not, if the motion had just ended."""
        operator = self._station.operator
        aborted = ("Aborting", "Aborted")
        with contextlib.suppress(RigError):
            await operator.until(
                lambda: operator.state if operator.state and operator.state.packml in aborted else None, 1.0, "stop"
            )

    async def _mount(self) -> int:
        """The mount that is being unlocked: the first that still holds the truck's own pack."""
        truth = await self._station.plant.truth()
        return min(int(n) for n, serial in truth["mounts"].items() if serial in self._own)


def counted(truth: dict[str, Any]) -> Counter[str]:
    """Dangers by kind that fell into a motion."""
    return Counter(d["kind"] for d in truth["dangers"])


async def measure(stops: int, seed: int) -> Section:
    """So many dangers of each kind. Raises RigError if the station cannot be brought to move."""
    async with rig(Setting(speed=TRAVEL_SPEED, seed=seed, period_ms=PERIOD_MS)) as station:
        await station.start_up()
        harness = Stops(station, seed)
        await harness.zone(stops)
        await harness.contactor(stops)
        truth = await station.plant.truth()
        metrics = station.operator.metrics
        if metrics is None:
            raise RigError("no metrics", where="operator")
        trip = metrics.modbus_round_trip_ms
        return section(truth["dangers"], trip.p50, trip.p99)


def section(dangers: list[dict[str, Any]], trip_p50_ms: float, trip_p99_ms: float) -> Section:
    """The figures; the bar is one period and one median round trip, the stricter reading."""
    bar_ms = PERIOD_MS + trip_p50_ms
    found = Section("stop", "dangerous input to the stop on the wire, measured by the PLC")
    found.add("Modbus round trip p50 (in the bar)", trip_p50_ms, "ms")
    found.add("Modbus round trip p99", trip_p99_ms, "ms")
    for kind, says in KINDS.items():
        latencies_ms = [
            1000.0 * d["stopped_after_s"] for d in dangers if d["kind"] == kind and d["stopped_after_s"] is not None
        ]
        unanswered = sum(d["kind"] == kind and d["stopped_after_s"] is None for d in dangers)
        found.lines.append(f"  {kind}: {says}; {len(latencies_ms)} stops")
        found.add(f"{kind}: stops", len(latencies_ms))
        found.add_spread(f"{kind}: to the stop", latencies_ms, "ms", bar_ms)
        found.add(f"{kind}: without a stop", unanswered, "", 0, inclusive=True)
        found.details[kind] = {
            "latencies_ms": [round(v, 3) for v in latencies_ms],
            "over_bar": sum(v >= bar_ms for v in latencies_ms),
            "p999_ms": quantile(latencies_ms, 0.999) if latencies_ms else None,
        }
    return found
