"""The person at the console of a busy station: what is tried, how often, and what then."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import cast

from hil.soak.people import TRIES, People
from hil.virtual.station import VirtualStation
from tests.support import run


class Desk:
    """A station that stands Held whatever is asked of it, and has no way back."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state = SimpleNamespace(packml="Held", reason=SimpleNamespace(code="interrupted", text=""))

    async def send(self, verb: str, **_: object) -> SimpleNamespace:
        self.asked.append(verb)
        return SimpleNamespace(verdict="rejected" if verb == "back_out" else "completed", reason="")


def test_who_is_told_that_there_is_no_way_back_resumes_again() -> None:
    desk = Desk()
    station = SimpleNamespace(
        operator=desk, injector=SimpleNamespace(somebody_in_danger=False), loop=SimpleNamespace(time=lambda: 0.0)
    )
    people = People(cast(VirtualStation, station), lambda kind, text: None, random.Random(1), patience_s=(0.0,))

    async def shift() -> None:
        for _ in range(2 * TRIES + 2):
            await people.act()

    run(shift())
    assert desk.asked == (["resume"] * TRIES + ["back_out"]) * 2
    assert people.counts == {"resume completed": 2 * TRIES, "back_out rejected": 2}
