"""What goes wrong in a day: chargers, meters and wires that fail for a while, at set shares of its length."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from hil.day.case import SLOT_S
from hil.day.line import Line
from hil.day.yard import Yard


class Trouble(NamedTuple):
    """begins: share of the day, 0..1. bay: 0 is the station, or all bays. cleared: a person clears after it."""

    begins: float
    lasts_s: float
    kind: str
    bay: int = 0
    cleared: bool = False


TROUBLES: Final = (
    Trouble(0.02, 300.0, "meter_silent", 2),
    Trouble(0.06, 60.0, "goes_on_and_welded", cleared=True),
    Trouble(0.09, 600.0, "charger_silent", 3),
    Trouble(0.13, 600.0, "grid_meter_silent"),
    Trouble(0.17, 20.0, "all_chargers_silent"),
    Trouble(0.21, 3600.0, "derated", 4),
    Trouble(0.25, 30.0, "cabinet_without_power", 5),
    Trouble(0.28, 60.0, "ignores_set_point", cleared=True),
    Trouble(0.30, 30.0, "all_meters_silent"),
    Trouble(0.50, 7200.0, "charger_fails", 3, cleared=True),
    Trouble(0.57, 60.0, "ignores_set_point", cleared=True),
    Trouble(0.73, 60.0, "ignores_set_point", cleared=True),
)
"""Early, when every bay charges and the limit binds; a charger fails in the middle of the day."""


class Troubles:
    """Over a yard and its lines; times in s since midnight. clears: how often a person has cleared."""

    def __init__(self, yard: Yard, lines: Mapping[int, Line], troubles: tuple[Trouble, ...]) -> None:
        self._yard, self._lines = yard, lines
        self._troubles = troubles
        self.clears = 0
        self._welded = 0
        self._due: list[tuple[float, Trouble, bool]] = []

    def plan(self, begin_s: float, length_s: float) -> None:
        """Set them on the clock; none outlasts half a day's length."""
        for trouble in self._troubles:
            at_s = begin_s + trouble.begins * length_s
            if trouble.kind in ("ignores_set_point", "goes_on_and_welded"):  # right before power changes hands
                at_s = math.ceil(at_s / SLOT_S) * SLOT_S - 2.0
            until_s = at_s + min(trouble.lasts_s, trouble.lasts_s * length_s / 86400.0 + 20.0)
            self._due += [(at_s, trouble, True), (until_s, trouble, False)]
        self._due.sort(key=lambda due: due[0])

    @property
    def next_s(self) -> float:
        """When the next one begins or ends."""
        return self._due[0][0] if self._due else math.inf

    def step(self, now_s: float) -> None:
        """What begins and ends by now."""
        while self._due and self._due[0][0] <= now_s:
            _, trouble, begins = self._due.pop(0)
            _KINDS[trouble.kind](self, trouble.bay, begins)
            self.clears += trouble.cleared and not begins

    def _chargers(self, number: int) -> list[Line]:
        return [line for n, line in self._lines.items() if number in (0, n)]

    def silent(self, number: int, begins: bool) -> None:
        """A network cable is off."""
        for line in self._chargers(number):
            line.cut = begins

    def ignores(self, number: int, begins: bool) -> None:
        """The charger that gives the most goes on with what it gives, and says that it obeys."""
        if begins:
            max(self._lines.values(), key=lambda line: line.plant.current_a).plant.faults.ignores_set_point = True
            return
        for line in self._chargers(number):
            line.plant.faults.ignores_set_point = False

    def welded(self, number: int, begins: bool) -> None:
        """Of the chargers that could give more, the one that gives most goes on whatever it is told, and its supply's
        contactor is welded: nobody can end it."""
        if begins:
            fits = {n: line.plant.current_a for n, line in self._lines.items() if self._has_room(n, line)}
            self._welded = max(fits, key=fits.__getitem__, default=0)
        for line in self._chargers(self._welded) if self._welded else ():
            line.plant.faults.runs_on = begins
            self._yard.supplies.weld(self._welded, begins)

    def _has_room(self, number: int, line: Line) -> bool:
        """Its pack could take what it gives for some minutes more."""
        pack = self._yard.bays[number].pack
        given_a = line.plant.current_a
        return pack is not None and pack.soc_pct < 75.0 and 0.0 < given_a < 0.85 * pack.current_demand_a

    def fails(self, number: int, begins: bool) -> None:
        """A charger finds a fault in itself."""
        for line in self._chargers(number):
            line.plant.faults.internal = begins

    def derated(self, number: int, begins: bool) -> None:
        """A charger loses half of its modules."""
        for line in self._chargers(number):
            line.plant.faults.derating = 0.5 if begins else 1.0

    def power(self, number: int, begins: bool) -> None:
        """A cabinet loses its supply, and gets it back."""
        for line in self._chargers(number):
            if begins:
                line.program.power_cut()
            else:
                line.program.power_return()

    def meter(self, number: int, begins: bool) -> None:
        """A bay's meter gives no answer, or all do."""
        for n, meter in self._yard.electrics.meters.items():
            if number in (0, n):
                meter.faults.mute = begins

    def grid_meter(self, number: int, begins: bool) -> None:
        """The meter at the connection point gives no answer."""
        if self._yard.electrics.grid_meter is not None:
            self._yard.electrics.grid_meter.faults.mute = begins


_KINDS: Final[Mapping[str, Callable[[Troubles, int, bool], None]]] = {
    "meter_silent": Troubles.meter,
    "all_meters_silent": Troubles.meter,
    "goes_on_and_welded": Troubles.welded,
    "ignores_set_point": Troubles.ignores,
    "charger_silent": Troubles.silent,
    "all_chargers_silent": Troubles.silent,
    "grid_meter_silent": Troubles.grid_meter,
    "derated": Troubles.derated,
    "cabinet_without_power": Troubles.power,
    "charger_fails": Troubles.fails,
}
