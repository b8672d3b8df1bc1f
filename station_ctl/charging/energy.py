"""Energy of one charge by the registers of the bay's meter, never by summing samples."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.meter_status import WRAP_WH, MeterDoubt, MeterStatus
from station_ctl.charging import seen

LARGEST_WH = 2_000_000
"""No charge takes more: a register that went on by more has been set back."""
MOST_W, LAG_S, STEP_WH = 1_000_000.0, 2.0, 2000.0
"""No charger gives more; a register is late by no more, and steps of no more. One that went on by more was set."""
STILL_A = 1.0
"""A meter may be exchanged while less flows; nothing is lost between the two."""
SETTLE_S = 10.0
"""A reading of after the end is waited for so long."""


@dataclass(slots=True)
class EnergyMind:
    """What is remembered of one count.

    running: the charge is under way; ended_s: when it ended. serial, in_wh, out_wh, flowing: of the last reading;
    read_s: when that came; wh: counted by then, into the pack; why: why it is not knowable, '' if it is. final: no more
    is to come.
    """

    running: bool = False
    ended_s: float = 0.0
    serial: int | None = None
    in_wh: int = 0
    out_wh: int = 0
    read_s: float = float("-inf")
    flowing: bool = False
    wh: int = 0
    why: str = ""
    final: bool = True


class Energy:
    """Counts what one charge brings into the pack."""

    def __init__(self) -> None:
        self.mind = EnergyMind()

    @property
    def kwh(self) -> float | None:
        """Into the pack since the charge began, less what came back; None if not knowable (`why`), or none was."""
        return None if self.mind.why or self.mind.serial is None else self.mind.wh / 1000.0

    @property
    def why(self) -> str:
        """Why the energy is not knowable, one line; '' if it is."""
        return self.mind.why

    def begin(self) -> None:
        """A charge begins; nothing flows yet. What the meter shows next, or has shown last, is its first reading."""
        self.mind = EnergyMind(running=True, final=False, why="no reading of the meter yet")

    def end(self, now_s: float) -> None:
        """The supply is off; the first reading from now on is the last one."""
        if self.mind.running:
            self.mind.running, self.mind.ended_s = False, now_s

    def look(self, metered: MeterStatus | None, now_s: float) -> None:
        """Take note of a reading. Call it in every look, also between two charges."""
        mind = self.mind
        if mind.final:
            return
        alive = seen.meter(metered, now_s)
        if alive is not None and alive.received_s > mind.read_s:
            self._read(alive)
        if not mind.running:
            late = now_s - mind.ended_s > SETTLE_S
            if late and mind.read_s <= mind.ended_s and not mind.why:
                mind.why = f"no reading of the meter within {SETTLE_S:g} s of the end"
            mind.final = late or mind.read_s > mind.ended_s

    def _read(self, metered: MeterStatus) -> None:
        mind = self.mind
        at_s = metered.received_s
        in_wh, out_wh = (r.good(at_s, seen.METERED_S) for r in (metered.energy_in_wh, metered.energy_out_wh))
        if in_wh is None or out_wh is None or metered.doubts & MeterDoubt.ENERGY:
            return  # the next one may be good; the registers lose nothing by it
        current_a = metered.current_a.good(at_s, seen.METERED_S)
        now_flowing = current_a is None or abs(current_a) > STILL_A
        if mind.serial is None:
            mind.why = "" if not now_flowing else "the first reading came when current flowed already"
        elif mind.serial == metered.serial:
            self._count(in_wh, out_wh, at_s - mind.read_s)
        elif mind.flowing or now_flowing:
            mind.why = mind.why or f"meter {mind.serial} was exchanged for {metered.serial} while current flowed"
        mind.serial, mind.in_wh, mind.out_wh, mind.flowing = metered.serial, in_wh, out_wh, now_flowing
        mind.read_s = at_s

    def _count(self, in_wh: int, out_wh: int, gone_s: float) -> None:
        """Add what the same meter has counted since its last reading, so long ago."""
        mind = self.mind
        into, back = advance_wh(mind.in_wh, in_wh), advance_wh(mind.out_wh, out_wh)
        if into is None or back is None:
            mind.why = mind.why or f"the registers of meter {mind.serial} went back"
            return
        if max(into, back) > MOST_W * (gone_s + LAG_S) / 3600.0 + STEP_WH:
            said = f"by {max(into, back)} Wh in {gone_s:.1f} s"
            mind.why = mind.why or f"the registers of meter {mind.serial} went on {said}, more than can flow"
            return
        mind.wh += into - back


def advance_wh(before_wh: int, after_wh: int) -> int | None:
    """How far a register has gone on, also over its wrap; None if it was set back, or went on by too much."""
    gone_wh = (after_wh - before_wh) % WRAP_WH
    return gone_wh if gone_wh <= LARGEST_WH else None
