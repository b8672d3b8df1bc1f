"""A soak's seed as a record, for the reports that scenarios have."""

from __future__ import annotations

from hil.record import Check, Record
from hil.scenario.keeper import versions
from hil.soak.case import Outcome
from hil.virtual.station import EPOCH
from station_ctl.wall_clock import iso_ms

SHOWN = ("person", "driver", "truck", "violation")
"""What the page shows as marks; faults have bands of their own, and the log has everything."""


def record(outcome: Outcome) -> Record:
    """The record of one seed; its time is the virtual ground's."""
    case = outcome.case
    times_real = case.speed * outcome.simulated_s / max(outcome.cpu_s, 1e-9)
    return Record(
        scenario="soak",
        title=f"truck after truck with faults, {outcome.trucks} trucks, {outcome.swaps} swaps",
        ground="virtual",
        seed=case.seed,
        began_utc=iso_ms(EPOCH),
        versions=versions(),
        duration_s=outcome.simulated_s,
        wall_s=outcome.cpu_s,
        samples=outcome.samples,
        events=[event for event in outcome.events if event.kind in SHOWN],
        faults=outcome.faults,
        checks=[
            Check("swaps recorded", outcome.swaps, "times"),
            Check("faults injected", len(outcome.faults), "times"),
            Check("looks at an invariant", outcome.checks.total(), "times"),
            Check("plant time for each second of CPU", times_real, "x"),
        ],
        violations=outcome.violations,
        log_hash=outcome.hash,
    )
