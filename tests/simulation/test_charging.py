"""Charging on the in-memory station: real controller, real PLC rules, real packs; what ends it, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.reading import Signal
from hil.plant.pack import Pack
from hil.verdict import VIN
from tests.simulation.ground import CYCLE_S, MAP, Ground
from tests.support import run

BAY_4 = 0b1000


async def charging(**options: Any) -> Ground:
    """A station that charges bay 4, the only pack that is not full."""
    ground = Ground(speed=1.0, **options)
    for pack in ground.world.packs():
        pack.soc_pct = 97.0
    ground.world.store(4, Pack("TEST-00000004", 50.0))
    await ground.ready()
    await ground.until(lambda: ground.world.supplies.energised == BAY_4, 5.0)
    await cycles(ground, 10)
    assert ground.world.bays[4].pack is not None and ground.world.bays[4].pack.current_a > 0.0
    return ground


async def cycles(ground: Ground, count: int) -> None:
    for _ in range(count):
        await ground.cycle()


def written(ground: Ground) -> tuple[int, int]:
    """(charge permits, supply lease in ms) of the block written last."""
    points = MAP.block("command").decode(ground.writes[-1]).points
    return int(points["charge_permits"] or 0), int(points["supply_lease_ms"] or 0)


def pack_4(ground: Ground) -> Pack:
    pack = ground.world.bays[4].pack
    assert pack is not None
    return pack


def told(ground: Ground, code: str) -> list[str]:
    return [e.text for entry in ground.journal.entries for e in entry.events if e.code == code]


def test_charging_goes_on_while_the_robot_rests_and_arms_nothing() -> None:
    async def main() -> None:
        ground = await charging()
        assert written(ground) == (BAY_4, 500)
        points = MAP.block("command").decode(ground.writes[-1]).points
        assert (points["lease_ms"], points["permits"]) == (0, 0)
        before_pct = pack_4(ground).soc_pct
        await cycles(ground, 200)
        assert pack_4(ground).soc_pct > before_pct and ground.world.supplies.energy_kwh[4] > 0.3
        assert len(told(ground, "charge.started")) == 1

    run(main())


def _smoke(ground: Ground) -> None:
    ground.world.inputs.smoke_clear[4] = Signal.FALSE


def _alarm(ground: Ground) -> None:
    pack_4(ground).faults.thermal_event = Signal.TRUE


def _insulation(ground: Ground) -> None:
    pack_4(ground).insulation_ohm_per_v = 50.0


def _silence(ground: Ground) -> None:
    pack_4(ground).faults.demand_lost = True


def _estop(ground: Ground) -> None:
    ground.world.inputs.estop_released = Signal.FALSE


@pytest.mark.parametrize("danger", [_smoke, _alarm, _insulation, _silence, _estop])
def test_charging_is_off_within_one_cycle_of_detection(danger: Callable[[Ground], None]) -> None:
    async def main() -> None:
        ground = await charging()
        danger(ground)
        await ground.cycle()
        assert written(ground) == (0, 0)
        assert ground.world.supplies.energised == 0 and pack_4(ground).current_a == 0.0
        assert ground.state.charging[4].code == "tripped" and ground.state.charging[4].reason
        assert told(ground, "charge.tripped") == [f"bay 4: {ground.state.charging[4].reason}"]

    run(main())


def test_a_thermal_finding_takes_the_permit_from_the_block_of_that_very_cycle() -> None:
    """A cell runs away long before its BMS says so; the supply is off in the cycle that finds it."""

    async def main() -> None:
        ground = await charging()
        pack_4(ground).run_away(short_w=20_000.0, alarm_s=300.0, fire_s=3600.0)
        for _ in range(round(600.0 / CYCLE_S)):
            before = ground.world.supplies.energised
            await ground.cycle()
            found = ground.runner.state.charging[4]
            if not found.permitted:
                break
            assert before == BAY_4
        assert written(ground)[0] & BAY_4 == 0 and ground.world.supplies.energised & BAY_4 == 0
        assert pack_4(ground).faults.thermal_event is Signal.FALSE  # the pack itself has not noticed
        assert found.reason.split(":")[0] in ("thermal_event", "thermal_doubt", "smoke_in_bay")

    run(main())


def test_a_controller_that_is_gone_leaves_no_supply_closed() -> None:
    async def main() -> None:
        ground = await charging()
        ground.pass_time(0.45)
        assert ground.world.supplies.energised == BAY_4
        ground.pass_time(0.1)
        assert ground.world.supplies.energised == 0 and pack_4(ground).current_a == 0.0
        ground.restart()
        await cycles(ground, 100)
        assert ground.world.supplies.energised == 0 and ground.state.charging[4].code == "unconfirmed"
        ground.send("clear")
        await ground.until(lambda: ground.world.supplies.energised == BAY_4, 20.0)

    run(main())


def test_power_that_fails_and_returns_in_a_charge_closes_nothing_by_itself() -> None:
    async def main() -> None:
        ground = await charging()
        ground.plc.power_cut()
        assert ground.world.supplies.energised == 0
        ground.plc.power_return()
        await cycles(ground, 10)  # the controller has not noticed: it goes on as before
        assert ground.world.supplies.energised == 0
        await ground.until(lambda: ground.state.charging[4].code != "charging", 3.0)
        assert told(ground, "charge.ended")[-1].startswith("bay 4: ")
        await ground.until(lambda: ground.world.supplies.energised == BAY_4, 20.0)  # a new start, by a new permit

    run(main())


def test_a_welded_supply_is_found_and_nothing_is_lifted_there() -> None:
    async def main() -> None:
        ground = await charging()
        pack = pack_4(ground)
        ground.world.supplies.weld(4)
        pack.soc_pct = 96.0
        await ground.until(lambda: ground.state.charging[4].code == "tripped", 5.0)
        assert "supply_disobeys" in ground.state.charging[4].reason
        for other in ground.world.packs():
            other.soc_pct = 97.0 if other is pack else 40.0
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        ground.world.speed = 20.0
        await ground.reaches("Suspended", 60.0)
        assert ground.state.reason is not None and ground.state.reason.code == "no_charged_pack"
        ground.world.bays[1].pack.soc_pct = 90.0  # type: ignore[union-attr]
        await ground.until(lambda: bool(ground.finished()), 200.0)
        assert ground.world.bays[4].pack is pack  # another one was fetched

    run(main())


def test_a_pack_that_charges_is_parted_from_its_supply_before_it_is_fetched() -> None:
    async def main() -> None:
        ground = Ground(speed=20.0)
        for pack in ground.world.packs():
            pack.soc_pct = 20.0
        ground.world.store(4, Pack("TEST-00000004", 85.0))
        await ground.ready()
        await ground.until(lambda: ground.world.supplies.at(4), 5.0)
        ground.arrive(1)
        ground.send("authorise", vin=VIN)
        lifted_live = []

        def over() -> bool:
            step = ground.state.step
            if step == "fetch":
                lifted_live.append(ground.world.supplies.at(4))
            return bool(ground.finished())

        await ground.until(over, 200.0)
        assert lifted_live and not any(lifted_live)
        assert ground.finished()[0].exchanges[0].serial_in == "TEST-00000004"
        assert not ground.world.ledger.violations

    run(main())


def test_a_bay_that_tripped_waits_for_a_persons_clear_while_the_station_works() -> None:
    async def main() -> None:
        ground = await charging()
        _insulation(ground)
        await ground.cycle()
        pack_4(ground).insulation_ohm_per_v = 2000.0
        assert "TEST-00000004" in ground.state.quarantined  # measured, and its own: it is not handed out
        await cycles(ground, 400)
        assert ground.state.packml == "Idle" and ground.state.charging[4].code == "tripped"
        clear = ground.send("clear")
        await cycles(ground, 60)
        assert ground.verdicts(clear) == ["accepted", "completed"] and ground.state.packml == "Idle"
        assert ground.state.charging[4].code == "withheld" and "quarantined" in ground.state.charging[4].reason
        again = ground.send("clear")
        await cycles(ground, 2)
        assert ground.verdicts(again) == ["rejected"]  # nothing is tripped any more

    run(main())


def test_the_bay_says_how_it_charges() -> None:
    async def main() -> None:
        ground = await charging()
        await cycles(ground, 30)
        said = [m for m in ground.uplink.states if getattr(m, "bay", None) == 4][-1]
        assert (said.charging, said.energised, said.charging_reason) == ("charging", "true", None)
        assert said.current_a == pytest.approx(302.0, abs=1.0)
        full = [m for m in ground.uplink.states if getattr(m, "bay", None) == 1][-1]
        assert full.charging == "full" and "target 95" in (full.charging_reason or "")

    run(main())
