"""What a pack has taken in one bay, from its coming to its going: the sum of its charges, by the meter's registers."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.charging.energy import Energy


@dataclass(slots=True)
class StayMind:
    """serial: of the pack that is here, '' if none is. kwh: taken so far, None if not knowable: it was here when the
    controller started, or a charge could not be metered. counted: the last charge is in it."""

    serial: str = ""
    kwh: float | None = None
    counted: bool = True


class Stay:
    """Adds up the charges of the pack in one bay."""

    def __init__(self) -> None:
        self.mind = StayMind()

    def look(self, serial: str | None, energy: Energy, *, empty: bool) -> None:
        """Once a look. serial: of the pack here, None if not known. energy: of the charge under way, or the last."""
        mind = self.mind
        if not energy.mind.final:
            mind.counted = False
        elif not mind.counted:
            mind.counted = True
            known = mind.kwh is not None and energy.kwh is not None
            mind.kwh = (mind.kwh or 0.0) + (energy.kwh or 0.0) if known else None
        if empty:
            mind.serial, mind.kwh = "", 0.0
        elif serial and serial != mind.serial:
            mind.kwh = 0.0 if mind.serial else mind.kwh
            mind.serial = serial
