"""docs/charging.md, from the cause table and its limits."""

from __future__ import annotations

from station_ctl.charging import table
from station_ctl.charging.charger import LOOK_S
from station_ctl.charging.lead import PAUSE_S
from station_ctl.charging.verdict import OBEYS_S, REFILL_PCT
from station_ctl.charging.why import QUARANTINES
from station_ctl.documents import chargers
from station_ctl.documents.forms import NOTE, causes, conditions, rows
from station_ctl.limits import SafetySection
from station_ctl.safety.table import Cause
from station_ctl.sections import ChargingSection

_PAGE = """\
<!-- {note} -->
# Charging: when a bay's supply may be closed

**This is a supervisory second layer and not certified.** The PLC opens a supply by itself, too
(docs/robot-plc.md, 3a). A bay's charger is either one that follows the BMS (BCL) by itself, or one that the controller
leads (*Bays with a charger*, below): then every set point is within the station's grid limit.

Each bay has an interlock of its own, the same compiled kernel as that of the motions, over the table below.
While a bay charges it is judged every cycle, and its permit is gone in the block of the very cycle that finds a
cause; a bay that does not charge is looked at every {look_s:g} s. What is untrusted, not available or too old
is a cause like any other.

* `trips`: the bay's latch closes. It opens when the pack has left (seat and coupler empty and BMS silent for 2 s,
  or another serial there), or by a person's `clear`, which is
  accepted in every state of the station while a bay is tripped; a cause that still stands keeps it closed.
* `ends`: charging ends and begins again by itself, {pause_s:g} s later at the earliest.
* A trip by {quarantines} that was *measured* (not merely unknown) is the pack's own fault: the pack is
  quarantined by its serial: never charged and never handed out again, over restarts too. No verb takes that back;
  service takes the pack out of the station.
* Nothing charges after a start of the controller before a person has cleared the station.
* A supply that is closed, or whose contact is in doubt, {obeys_s:g} s after its permit has gone trips the bay
  also at rest; the pack there is not handed out, and interlock and PLC refuse to lift it.
* An emergency stop ends charging; a stop of the robot (zone, doors, a trip of the motions' interlock) does not.

| # | cause | safe when | age at most | hysteresis | effect |
|---|---|---|---|---|---|
{causes}

No cause, and yet an end: the charge has reached `charging.target_soc_pct` ({target_pct:g} %; begun again
{refill_pct:g} % below), the BMS asks for no current, the supply does not close within {obeys_s:g} s, the
service is being stopped. Of the bays that may charge the fullest begin first, at most `charging.bays_at_once`
({at_once}); a bay that charges keeps its turn.

Every start, end and trip is an event in the journal and on MQTT (`charge.started`, `charge.ended`,
`charge.tripped`); the topic `bay/<n>` says how each bay stands and, in one line, why it does not charge.

{chargers}{said}"""


def text() -> str:
    """The page, with the default limits."""
    found, limits, section = table.load(), SafetySection(), ChargingSection()
    return _PAGE.format(
        note=NOTE,
        look_s=LOOK_S,
        pause_s=PAUSE_S,
        obeys_s=OBEYS_S,
        quarantines=", ".join(f"`{name}`" for name in QUARANTINES),
        target_pct=section.target_soc_pct,
        refill_pct=REFILL_PCT,
        at_once=section.bays_at_once,
        causes=rows((*conditions(n, cause, limits), _effect(cause)) for n, cause in enumerate(found.causes, 1)),
        chargers=chargers.text(),
        said=causes(found),
    )


def _effect(cause: Cause) -> str:
    if not cause.stop:
        return "ends"
    return "trips, also at rest" if cause.at_rest else "trips"
