"""A thermal event at each step of a swap: charging off in that cycle, evacuated, never handed out, the record right."""

from __future__ import annotations

import pytest

from station_ctl.model.words import PackML
from station_ctl.swap.table import STEPS
from tests.simulation.thermal_ground import ISOLATION, HotGround, swapping
from tests.support import run

SEEN = [s.name for s in STEPS if s.name not in ("waiting", "identify", "authorise", "verify", "choose", "settle")]
"""Steps that last longer than a cycle; the others are passed through in the cycle in which they are reached."""
GOES_ON = ("depart",)
STAYS, PLANNED, OWN = "SIMP-00000003", "SIMP-00000001", "TRK1-00000001"


async def until_detected(ground: HotGround, serial: str, number: int) -> None:
    """Charging of the bay is off in the very cycle in which the event is detected, whatever was there before."""
    ground.heat(serial)
    for _ in range(40):
        await ground.cycle()
        if serial in ground.state.quarantined:
            break
    assert serial in ground.state.quarantined
    assert not ground.plc.supply.permits >> (number - 1) & 1
    told = [e for entry in ground.journal.entries[-3:] for e in entry.events if e.code == "pack.quarantined"]
    assert told and serial in told[-1].text


@pytest.mark.parametrize("serial", [STAYS, PLANNED])
@pytest.mark.parametrize("step", SEEN)
def test_a_thermal_event_in_a_bay_at_each_step(step: str, serial: str) -> None:
    async def main() -> None:
        ground = await swapping()
        for pack in (STAYS, PLANNED):
            ground.pack(pack).soc_pct = 90.0
        await ground.at_step(step)
        number = ground.bay_of(serial)
        if number is None:  # it was handed over before: an event there is the truck's (test_mount_after)
            return
        await until_detected(ground, serial, number)
        if (
            step == "position"
        ):  # a truck that is not clamped may roll under the robot: the pack waits, and says for what
            await ground.reaches("Suspended", 10.0)
            assert ground.code == "evacuation_waits" and "lane_not_safe" in ground.text
            assert ground.bay_of(serial) == number and ground.world.robot.still
            return
        await ground.stands(240.0)
        assert ground.code == "evacuated", f"{ground.state.packml}/{ground.state.step}: {ground.text}"
        assert ground.bay_of(serial) == ISOLATION
        ground.send("reset" if ground.state.packml is PackML.STOPPED else "resume")
        if step not in GOES_ON:
            await ground.until(lambda: bool(ground.finished()))
            swap = ground.finished()[0]
            assert (swap.aborted, swap.backed_out, len(swap.installed)) == (False, False, 1)
            exchange = swap.exchanges[0]
            assert exchange.serial_in != serial
            assert exchange.serial_out == OWN and exchange.accepted
            assert ground.bay_of(OWN) == exchange.bay_in
        await ground.reaches("Idle")
        assert serial not in ground.departed().values()
        assert ground.world.ledger.violations == []
        assert all(times == 1 for times in ground.started().values())

    run(main())


def test_a_pack_that_had_an_event_is_not_charged_in_isolation_either() -> None:
    async def main() -> None:
        ground = await swapping()
        await ground.at_step("approach_bay")
        await until_detected(ground, STAYS, 3)
        await ground.stands(240.0)
        assert ground.bay_of(STAYS) == ISOLATION
        await ground.cycles(40)
        assert not ground.plc.supply.permits >> (ISOLATION - 1) & 1
        assert not ground.state.charging[ISOLATION].permitted

    run(main())
