"""The part of docs/charging.md on bays with a charger, from the tables and figures that run."""

from __future__ import annotations

from station_ctl.charging import energy, grid, lead, pack_limits, power, seen, session_rules, share, supervision
from station_ctl.charging import plan as plans
from station_ctl.charging.phases import EDGES, PHASES, POWERED, SUPPLIED
from station_ctl.documents.forms import diagram, rows
from station_ctl.sections import ChargingSection, GridSection

_PART = """\
## Bays with a charger

A bay with `charger` in station.toml is led through each charge; its charger and meter speak Modbus/TCP
([charger.md](charger.md)). A bay without one is as above: its charger follows the BMS, and the grid limit knows
nothing of it (keep `grid.reserve_kw` for it).

{diagram}

| phase | what happens | supply | current |
|---|---|---|---|
{phases}

* Any cause of the table above, a BCL that is missing for 1 s, and a stop of the service end a charge **at
  once**: permit and charger go in the same cycle, without a ramp. An ordinary end (full, no demand, the plan,
  no room under the grid limit) first asks for 0 A; the supply opens when less than {no_current_a:g} A flow, or
  after {ramp_s:g} s.
* The charger has to stand by within {handshake_s:g} s, pass its insulation test within {test_s:g} s and close
  within {close_s:g} s; a charge that fails is tried again {pause_s:g} s later at the earliest
  (`charger_failed`). So is one whose charger cannot be told what is wanted, because it is out of its register
  map's range: it is told OFF at once, and the log says so once.
* A controller that said nothing for 0.3 s, because its journal's disk or its processor was slow, has lost its
  chargers by their lease, after 0.5 s the supplies too: each such charge ends as `journal_stalled` or
  `cycle_stalled`, and begins again {pause_s:g} s later.
* A pack that is colder than it may be charged is warmed by the bay's coolant unit with up to
  `charging.warming_kw` ({warming_kw:g} kW), within the grid limit, for {warm_h:g} h at most.
* A pack that is full, at its voltage limit, and whose cells differ by more than `charging.balance_spread_mv`
  ({spread_mv:g} mV) gets a small current (`charging.cut_off_c`, {cut_off:g} C) for up to `charging.balance_min`
  ({balance_min:g}) minutes.
* Energy is the difference of the meter's registers, over their wrap, and over an exchange of the meter while
  nothing flows; else it is not known, and the event says why (`charge.metered`, `charge.unmetered`). A register that
  went back, or on by more than can have flowed since the reading before ({most_kw:g} kW, and {step_wh:g} Wh), was set.
* What is wrong with charger or meter is the alarm `charger.trouble`, until a charge delivers again or a person
  clears.

### Set point

The least of what the BMS asks for (BCL), what the pack type allows, what the charger can give now, what the
plan lets the bay draw, and the bay's share of the grid limit; `limited_by` of the bay names it. The type limits
current by its coldest and hottest cell and its charge, between these points on straight lines, beyond them
nothing:

| temperature | rate |
|---|---|
{temperatures}

| charge | rate |
|---|---|
{charges}

(1 C is the rated capacity that BRM tells; never above {cell_v:g} V a cell, by the rated
voltage, and nothing once BMV tells a cell that has it.
`station_ctl/charging/pack_limits.toml`.)

### Grid limit

`grid.limit_kw` is what the station draws at most: chargers and everything else, **at every instant**.

* *Everything else* is what the grid meter shows less what the chargers draw, and `grid.step_kw` ({step_kw:g}
  kW) as room for what switches on within seconds, but no more than `grid.reserve_kw` ({reserve_kw:g} kW) in all
  unless more is measured. It rises at once and falls by {fall_kw:g} kW a second. Without a meter, or with one
  that is silent, stale or does not trust itself, the reserve is kept. **What the other loads draw beyond that
  within the {metered_s:g} s that a reading may be old, no controller can take back in time: size `step_kw` and
  `reserve_kw` by it.**
* The rest is shared by need, and the pack that can be ready first is needed first: each bay gets what a charger
  takes that is on ({fixed_w:g} W), then a share by weight, up to what it can use (weighted max-min). The
  weight is the inverse square of the energy that its pack still needs ({need_kwh:g} kWh at least), so packs
  become ready one after the other and none is left out.
* **Break before make.** Each bay has a claim: the most its charger can draw, whatever became of what was
  written to it. It is the greatest of all that was granted in the last {linger_s:g} to {linger2_s:g} s and of
  what the charger's fresh status shows, measured or taken as set point. Only what the claims leave free is
  granted. So power that is taken from one bay goes to another when it is *measured* gone, not when it was asked
  back.
* A charger that is silent keeps its claim until it is heard, or its supply is measured open (its own lease has
  ended its output). One of which nothing was ever heard claims `charger.power_kw`.
* It rests on this: commands count in the order of their counters and are at most 1 s late; a status is at most
  {alive_s:g} s old; a charger draws no more than its set point / {efficiency:g} + {fixed_w:g} W or than it
  draws already. One that draws more is seen by its measured input, and the others go without at once.

### Charge plan

Power of each bay at the grid, in W, in slots of equal length from the time the plan was taken over:

```
{{"schema": 1, "id": "night-1", "slot_s": 900, "power_w": {{"1": [0, 240000], "2": [240000, 120000]}}}}
```

A bay that gets less than {plan_w:g} W does not charge (`planned`). Bays that are not named, and all bays before
and after the plan, follow the default: as much as they can, the fullest first. A plan comes as the command
`cmd/charge_plan` ([mqtt.md](mqtt.md)), from a file with `station-console send charge_plan --plan FILE`; it replaces the
one before at once, one without bays ends it, and a restart of the station forgets it.

### Watched

| input of the table | judged |
|---|---|
{watched}

"""


def text() -> str:
    """The part, with the default configuration."""
    section, connection, limits = ChargingSection(), GridSection(), pack_limits.load().data
    return _PART.format(
        diagram=diagram(EDGES),
        phases=rows((n, says, _yes(n in SUPPLIED), _yes(n in POWERED)) for n, says in PHASES.items()),
        no_current_a=session_rules.NO_CURRENT_A,
        ramp_s=session_rules.RAMP_S,
        handshake_s=session_rules.HANDSHAKE_S,
        test_s=session_rules.TEST_S,
        close_s=session_rules.CLOSE_S,
        warm_h=session_rules.WARM_S / 3600.0,
        pause_s=lead.PAUSE_S,
        warming_kw=section.warming_kw,
        spread_mv=section.balance_spread_mv,
        cut_off=section.cut_off_c,
        balance_min=section.balance_min,
        temperatures=rows(
            zip(_unit(limits.temperature.at_c, "degC"), _unit(limits.temperature.rate, "C"), strict=True)
        ),
        charges=rows(zip(_unit(limits.charge.at_pct, "%"), _unit(limits.charge.rate, "C"), strict=True)),
        cell_v=limits.cell_charged_v,
        step_kw=connection.step_kw,
        reserve_kw=connection.reserve_kw,
        fall_kw=grid.FALL_W_S / 1000.0,
        metered_s=seen.METERED_S,
        fixed_w=seen.FIXED_W,
        efficiency=seen.EFFICIENCY,
        need_kwh=power.LEAST_NEED_KWH,
        linger_s=share.LINGER_S,
        linger2_s=2.0 * share.LINGER_S,
        alive_s=seen.ALIVE_S,
        plan_w=plans.LEAST_W,
        most_kw=energy.MOST_W / 1000.0,
        step_wh=energy.STEP_WH,
        watched=rows(supervision.INPUTS.items()),
    )


def _yes(condition: bool) -> str:
    return "yes" if condition else ""


def _unit(values: tuple[float, ...], unit: str) -> list[str]:
    return [f"{value:g} {unit}" for value in values]
