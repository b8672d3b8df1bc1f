"""docs/alarms.md: the catalogue and the life cycle as tables."""

from __future__ import annotations

from station_ctl.alarms.edges import EDGES
from station_ctl.alarms.entry import Alarm, Catalogue, ReasonTexts, distribution
from station_ctl.documents.forms import NOTE, row, rows

_PAGE = """\
<!-- {note} -->
# Alarms

An alarm needs a person's response; what needs none is an event (ISA-18.2, IEC 62682). The catalogue is
`station_ctl/alarms/catalogue.toml`; alarms `interlock.*` are made from the cause-and-effect table. A catalogue with a
missing field, a code that stands twice or a reference to nothing is refused, and the service does not start.

{total} alarms: {shares}. Priority follows from consequence and time to respond: severe within 5 min is high; severe
within 30 min, or major within 5 min, is medium; all else is low. Most stops of the interlock are low: the station has
stopped by itself, and what is lost is time.

Delays: on / off in ms, the condition has to stand or be gone for so long; and the deadband of analogue alarms. Budget:
from the condition to the message given to the uplink. `tests/simulation/test_alarm_response.py` raises every alarm and
measures it (some from the interlock's decision on: that table says where the condition was given);
`make alarm-times` writes what it measured to `docs/alarm-times.md`.

| code | per | priority | because | class | delays | latched | cleared by | shelved up to | suppressed by | budget |
|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Cleared by: `itself`: it goes with its condition. `operator`: an operator's `ack` (a latched one), `clear`, or what the
remedy says ends it. `service`: it is latched, and once its condition is gone only an `ack` by an issuer with the role
`service` takes it off the list; another one's is refused with the alarm and the role named, and neither `clear` nor
`reset` touches it. That it was seen (`ack` while it stands) anybody with that verb may say. The issuer's name is a
claim, guarded by the broker's log-in alone; and without an `[[issuer]]` that has the role, nobody has it: such an
alarm then stays on the list, over restarts too, until one is configured.

Alarms with many places have the place behind the code: `smoke.bay:bay-3`, `can.down:packs`.

## What they mean, and what to do

| code | text | cause | consequence | the station itself | a person |
|---|---|---|---|---|---|
{texts}

## Causes of the interlock that another alarm stands for

An alarm `interlock.*` stands from the trip until a person clears: the cause that tripped first (`first_out`), and what
trips also at rest. What tripped behind the first is in `state`.

| cause | alarm |
|---|---|
{covered}

## Reason codes

What `station.held` and `station.aborted` say beside the reason's own sentence; or the alarm raised while the station
waits for it; or why nobody has to respond.

| reason | alarm | cause | consequence | a person |
|---|---|---|---|---|
{reasons}

## Life cycle

`returned`: gone before anybody acknowledged it. `latched`: gone, but stays until it is acknowledged. `shelved`: by a
person, for a while. `suppressed`: by design, because another alarm or the state explains it; its condition is frozen
meanwhile. `out_of_service`: by a person, until taken in again; never a safety alarm. What comes out from under a
person's cover and still stands is to be acknowledged anew, and so is what stands for another reason than before
(`change`).

All of it is in the journal (tables `alarm` and `alarm_log`) with time and person, and survives a restart. How much is
left of a shelving then is told by the wall clock, the only clock that spans a power cut; if that went backwards the
alarm comes back at once.

More than ten alarms in ten minutes are a flood: its begin and end are events; low ones are collected and told when it
is over. High, medium and first-out ones are told at once; the retained list and the journal always have all. It ends
when fewer than five came in ten minutes.

| state | by | then |
|---|---|---|
{edges}
"""


def text(catalogue: Catalogue) -> str:
    """The whole page."""
    count = distribution(catalogue)
    total = sum(count.values())
    entries = list(catalogue.alarms.values())
    return _PAGE.format(
        note=NOTE,
        total=total,
        shares=", ".join(f"{name} {n} ({100 * n / total:.0f} %)" for name, n in count.items()),
        rows="\n".join(map(_entry, entries)),
        texts=rows((e.code, e.text, e.cause, e.consequence, e.reaction, e.remedy) for e in entries),
        reasons="\n".join(_reason(code, texts) for code, texts in catalogue.reasons.items()),
        covered=rows(catalogue.covered.items()),
        edges=rows(
            (state, trigger, ", ".join(sorted(after)))
            for state, ways in EDGES.items()
            for trigger, after in ways.items()
        ),
    )


def _entry(e: Alarm) -> str:
    delays = f"{e.on_delay_ms} / {e.off_delay_ms}" + (f", {e.deadband:g} {e.unit}" if e.deadband else "")
    shelf = f"{e.shelvable_min} min" if e.shelvable_min else "never"
    hidden = ", ".join([*e.suppressed_by, *(f"state {name}" for name in e.suppressed_in)])
    because = f"{e.severity}, {e.respond_within_min:g} min"
    latched, budget = "yes" if e.latched else "no", f"{e.budget_ms} ms"
    return row(e.code, e.per, e.priority, because, e.alarm_class, delays, latched, e.clears, shelf, hidden, budget)


def _reason(code: str, texts: ReasonTexts) -> str:
    if texts.none:
        return f"| {code} | none | {texts.none} | | |"
    return row(code, texts.alarm or "station.held, station.aborted", texts.cause, texts.consequence, texts.remedy)
