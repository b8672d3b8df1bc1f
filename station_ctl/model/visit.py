"""A truck's visit and what can come between: leave, exchanges, parking, the evacuation of a pack."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.model.charge_estimate import ChargeSpan
from station_ctl.model.places import Place


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Leave to swap one truck's packs.

    packs: how many packs to swap (None: all the truck carries).
    soc_promised_pct: the least charge to hand out (None: the station's own figure).
    given_s: event-loop time it was given at; unused it lapses (swap.authorisation_valid_s).
    """

    vin: str
    issuer: str
    given_s: float
    packs: int | None = None
    soc_promised_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One pack out, one pack in, at one mount.

    charged_kwh: what the pack that goes in has taken in its bay, by the meter's registers; None if not knowable.
    charge_out, charge_in: estimated at the time of the exchange, beside the BMS's soc_out_pct and soc_in_pct.
    """

    mount: int
    serial_out: str
    soc_out_pct: float | None
    bay_in: int  # the discharged pack goes here
    bay_out: int  # the charged pack comes from here
    serial_in: str
    soc_in_pct: float
    accepted: bool | None = None  # the discharged pack: True taken into stock, False quarantined, None not known yet
    remark: str = ""
    charged_kwh: float | None = None
    charge_out: ChargeSpan | None = None
    charge_in: ChargeSpan | None = None


@dataclass(frozen=True, slots=True)
class Swap:
    """One truck's visit, from its authorisation to its record."""

    id: str
    vin: str
    authorised_by: str
    soc_promised_pct: float
    started_utc: str
    exchanges: tuple[Exchange, ...] = ()
    index: int = 0  # the exchange under way
    installed: tuple[int, ...] = ()  # mounts that hold a pack of ours
    backed_out: bool = False
    aborted: bool = False

    @property
    def exchange(self) -> Exchange:
        """The exchange under way."""
        return self.exchanges[self.index]


@dataclass(frozen=True, slots=True)
class Parking:
    """How the driver's attempts to park stand; errors (x, y in mm, angle in deg) unchanged since `since_s`.

    gone_since_s: since when the lane is empty, None while a truck is there.
    """

    attempts: int = 0
    errors: tuple[float | None, ...] = ()
    since_s: float = 0.0
    counted: bool = False
    gone_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Evacuation:
    """A pack with a thermal event that is brought to the isolation area (GB/T 51077-2024 12.4.5, 12.4.7).

    source: the bay it stands in, or the place the robot had lifted it from. isolation: number of the bay it goes to.
    serial: who it is, None if its BMS never told. why: what was detected, one sentence.
    interrupted: the swap step that was pre-empted, 'waiting' if none.
    """

    source: Place
    isolation: int
    serial: str | None
    why: str
    interrupted: str = "waiting"
