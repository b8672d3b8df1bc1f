"""The watch over estimated charges finds what it is there for, and forgives what the bench did itself."""

from __future__ import annotations

from dataclasses import replace

from drivers.truck_status import TruckStatus
from hil.plant.pack import Pack
from hil.plant.world import World
from hil.watch.estimates import EstimateWatch
from hil.watch.findings import Findings
from station_ctl.model.charge_estimate import ChargeEstimate, ChargeSpan, Grounds
from station_ctl.model.look import Snapshot

TOLD = ChargeEstimate(ChargeSpan(60.0, 55.0, 65.0, Grounds.ANCHORED), 296.0, 95.0, 0.0, 55.0, False)
SERIAL = "SIMP-00000001"


def found(told: ChargeEstimate, *true_pct: float) -> list[str]:
    world = World(bays={1: 0x81}, mounts={})
    pack = Pack(SERIAL, true_pct[0])
    world.store(1, pack)
    findings = Findings(lambda: 0.0)
    watch = EstimateWatch(findings, world)
    for value in true_pct:
        pack.soc_pct = value
        watch.cycle(Snapshot(0.0, None, "not connected", TruckStatus(), {}, estimates={SERIAL: told}))
    return [violation.invariant for violation in findings.violations]


def test_a_truth_within_ten_percent_of_the_interval_is_forgiven_and_beyond_is_found() -> None:
    assert found(TOLD, 46.0) == []
    assert found(TOLD, 74.0) == []
    assert found(TOLD, 44.0) == ["a charge is far outside of its estimate"]
    assert found(TOLD, 74.5, 75.2, 75.9) == ["a charge is far outside of its estimate"]


def test_what_the_bench_set_is_no_fault_of_the_estimate() -> None:
    assert found(TOLD, 60.0, 95.0, 95.0) == []


def test_figures_that_cannot_be_are_found() -> None:
    upside_down = replace(TOLD, charge=replace(TOLD.charge, soc_p05_pct=61.0))
    beyond = replace(TOLD, charge=replace(TOLD.charge, soc_p95_pct=float("nan")))
    for wrong in (upside_down, beyond, replace(TOLD, p_promised_pct=101.0), replace(TOLD, capacity_ah=0.0)):
        assert "an estimate cannot be" in found(wrong, 60.0)
