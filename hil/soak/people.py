"""The people of a busy station: the one at the console, and the driver of each truck."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence

from drivers.errors import StationError
from hil.plant.lane import Driving
from hil.virtual.station import VirtualStation
from station_ctl.swap.people import WAS_INSIDE
from station_ctl.uplink.requests import Verb
from station_ctl.uplink.state_messages import StateMessage

LOOK_S = 0.5
NEXT: dict[str, Verb] = {"Aborted": "clear", "Stopped": "reset", "Held": "resume"}
TRIES = 4
"""So often the same thing is tried for the same reason before another is."""
ANSWER_S = 15.0
PATIENCE_S = (0.0, 0.0, 0.0, 3.0, 12.0)
NOT_AUTHORISED, NO_STOCK = "not_authorised", ("no_charged_pack", "no_free_bay")
WAITS_S = 4.0
IN_THE_WAY = ("clear_refused", "evacuation_waits")


class People:
    """Look at the station twice a second and do what its reason asks for; they do not act while somebody is in danger.

    They may take their time before they put something right. counts: what was done. away: nobody acts. said: the log.
    """

    def __init__(
        self,
        station: VirtualStation,
        said: Callable[[str, str], None],
        rng: random.Random,
        patience_s: Sequence[float] = PATIENCE_S,
    ) -> None:
        """patience_s: how long they may take before they put something right; one of these is drawn each time."""
        self.counts: Counter[str] = Counter()
        self.vin = ""
        self.away = False
        self._station, self._said = station, said
        self._tries: Counter[tuple[str, str]] = Counter()
        self._rng, self._patience_s = rng, patience_s
        self._stands: tuple[str, float] = ("", 0.0)  # since when it stands, and how long it is left so
        self._waiting_since_s: float | None = None

    def new_truck(self, vin: str) -> None:
        """Another truck is here: what was tried for the last one is forgotten."""
        self.vin = vin
        self._tries.clear()

    @property
    def state(self) -> StateMessage | None:
        """What the console shows."""
        return self._station.operator.state

    async def act(self) -> None:
        """One look, and one deed at most."""
        state = self.state
        if state is None or self.away or self._station.injector.somebody_in_danger:
            return
        if self._in_the_way(state):
            await self._plant("drive_off")
        elif state.packml in NEXT:
            if self._had_a_look(state.packml):
                await self._put_right(state)
        elif self._reason(state) == WAS_INSIDE:
            if self._had_a_look(WAS_INSIDE):
                await self._command("reset")
        elif state.packml == "Suspended" and self._reason(state) == "repark":
            await self._repark()
        else:
            await self._if_it_waits(state)

    def _in_the_way(self, state: StateMessage) -> bool:
        """Whether nothing may move beside a truck that nobody holds and that misses no pack: its driver has to go."""
        if state.reason is None or "lane_not_safe" not in state.reason.text:
            return False
        if state.reason.code not in IN_THE_WAY and (state.reason.code != "interlock" or state.swap_id is not None):
            return False
        lane = self._station.world.lane
        whole = all(place.pack is not None for place in lane.mounts.values())
        return lane.driving is Driving.STANDING and lane.clamps.open and whole

    def _had_a_look(self, stands: str) -> bool:
        """Whether it stands so for as long as this person takes before acting."""
        now_s = self._station.loop.time()
        if self._stands[0] != stands:
            self._stands = (stands, now_s + self._rng.choice(self._patience_s))
        if now_s < self._stands[1]:
            return False
        self._stands = ("", 0.0)
        return True

    async def _put_right(self, state: StateMessage) -> None:
        verb, reason = NEXT[state.packml], self._reason(state)
        self._tries[verb, reason] += 1
        if verb == "resume" and self._tries[verb, reason] > TRIES:
            verb = "back_out"
        if await self._command(verb) == "rejected" and verb == "back_out":
            self._tries.clear()  # there is no way back: on with it

    async def _if_it_waits(self, state: StateMessage) -> None:
        """A truck that stands here without authorisation is authorised again; one that cannot be served goes."""
        stands = self._station.world.lane.driving is Driving.STANDING
        reason = self._reason(state)
        if not stands or (state.packml != "Idle" and reason not in (NOT_AUTHORISED, *NO_STOCK)):
            self._waiting_since_s = None
            return
        now_s = self._station.loop.time()
        if self._waiting_since_s is None:
            self._waiting_since_s = now_s
        elif now_s - self._waiting_since_s > WAITS_S:
            self._waiting_since_s = None
            if reason in NO_STOCK:
                await self._command("hold")
            else:
                await self._command("authorise", vin=self.vin)

    async def _repark(self) -> None:
        if self._station.world.lane.driving is Driving.STANDING:
            await self._plant("repark")

    async def _plant(self, do: str) -> None:
        try:
            await self._station.ask(do)
            self.counts[do] += 1
            self._said("driver", do)
        except StationError as e:
            self._said("driver", f"{do}: {e}")

    async def _command(self, verb: Verb, **arguments: object) -> str:
        """The last verdict, '' if there was none."""
        try:
            reply = await self._station.operator.send(verb, timeout_s=ANSWER_S, wait=verb != "authorise", **arguments)
        except StationError as e:
            self.counts[f"{verb} unanswered"] += 1
            self._said("person", f"{verb}: {e}")
            return ""
        self.counts[f"{verb} {reply.verdict}"] += 1
        self._said("person", f"{verb}: {reply.verdict} {reply.reason}")
        return reply.verdict

    @staticmethod
    def _reason(state: StateMessage) -> str:
        return state.reason.code if state.reason else ""


async def look_again() -> None:
    """The time between two looks."""
    await asyncio.sleep(LOOK_S)
