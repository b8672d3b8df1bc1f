"""The steps that people do in a scenario: who drives a truck in, who sends a command, who starts up and recovers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hil.scenario.electric_words import BayNumber
from hil.scenario.plant_words import MountNumber, SocPct
from hil.scenario.truck_words import Degrees, ErrorMm
from hil.scenario.words import Text, Within, Words
from station_ctl.uplink.arguments import Vin
from station_ctl.uplink.requests import Verb


class TruckIn(Words):
    """A truck that drives in. vin: not given, of its running number; authorised: it may swap before it comes."""

    mounts: int = Field(2, ge=1, le=3)
    soc_pct: SocPct = 12.0
    vin: Vin | None = None
    x_error_mm: ErrorMm | None = None
    y_error_mm: ErrorMm | None = None
    angle_deg: Degrees | None = None
    authorised: bool = True


class TruckStep(Words):
    """`truck`: one drives in. The n-th truck has VIN LTESTTRUCK000000n and packs TRKn-00000001, ..."""

    truck: TruckIn


class SendStep(Words):
    """`send`: a person's command, and the verdict it has to get; for `accepted` the end of it is not waited for.

    age_s: it was made so long ago (negative: its sender's clock is ahead); expected_state: what the sender saw;
    again: the very command of this verb that was sent last, its id and all; retained: with the retain flag.
    power_w: of a `charge_plan`, by bay: one slot that lasts a day.
    by: who sends it, with the roles that the station's configuration gives to this name's `-1`.
    """

    send: Verb
    verdict: Literal["accepted", "rejected", "completed", "failed"] = "completed"
    says: Text | None = None
    within_s: Within = 60.0
    vin: Vin | None = None
    packs: int | None = Field(None, ge=1, le=3)
    soc_promised_pct: SocPct | None = None
    bay: BayNumber | None = None
    mount: MountNumber | None = None
    motion: Literal["unlock", "lock", "lift", "place", "move", "home", "clamp", "release"] | None = None
    dx_mm: int | None = Field(None, ge=-500, le=500)
    dy_mm: int | None = Field(None, ge=-500, le=500)
    power_w: dict[str, float] | None = None
    by: Literal["operator", "supervisor", "service"] = "operator"
    expected_state: str | None = Field(None, max_length=32)
    age_s: float = Field(0.0, ge=-3600, le=86_400)
    again: bool = False
    retained: bool = False

    @property
    def arguments(self) -> dict[str, object]:
        """The command's own arguments."""
        if self.power_w is not None:
            return {"id": "scenario", "slot_s": 86_400.0, "power_w": {n: [w] for n, w in self.power_w.items()}}
        return self.model_dump(include=_ARGUMENTS, exclude_none=True)


_ARGUMENTS = {"vin", "packs", "soc_promised_pct", "bay", "mount", "motion", "dx_mm", "dy_mm"}


class EndedStep(Words):
    """`ended`: the last verdict of the last command of that verb."""

    ended: Verb
    verdict: Literal["completed", "failed"] = "completed"
    says: Text | None = None
    within_s: Within = 60.0


class PersonStep(Words):
    """`person`: until it is idle (start_up), clear and reset once (recover), until it runs again (put_right)."""

    person: Literal["start_up", "recover", "put_right"]
    within_s: Within = 60.0
