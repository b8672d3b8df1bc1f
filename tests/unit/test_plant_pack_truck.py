"""The plant's pack and truck behave as a real pack and truck would."""

from __future__ import annotations

import pytest

from drivers.truck_status import SelfTest, TruckRequest
from hil.plant.pack import Pack
from hil.plant.truck import Truck

VIN = "LZZ1CLSB8NA123456"


def pack(number: int = 1, soc_pct: float = 50.0) -> Pack:
    return Pack(f"CATL-{number:08d}", soc_pct)


def truck(mounts: int = 2) -> Truck:
    packs = {mount: pack(mount) for mount in range(1, mounts + 1)}
    for mount, each in packs.items():
        each.mate(0x80 + mount)
    return Truck(VIN, packs)


def advance(which: Truck, seconds: float, dt_s: float = 0.05) -> None:
    for _ in range(round(seconds / dt_s)):
        which.advance(dt_s)
        for each in which.packs.values():
            each.advance(dt_s)


def test_the_bms_talks_only_while_mated_and_awake() -> None:
    one = pack()
    one.advance(10.0)
    assert not one.talking
    one.mate(0x91)
    one.advance(0.2)
    assert not one.talking
    one.advance(0.15)
    assert one.talking
    one.faults.mute = True
    assert not one.talking
    one.faults.mute = False
    one.part()
    assert not one.talking
    assert one.address is None


def test_voltage_is_that_of_177_lfp_cells() -> None:
    voltages = [pack(soc_pct=soc).voltage_v for soc in (0.0, 10.0, 50.0, 90.0, 100.0)]
    assert voltages == sorted(voltages)
    assert voltages[0] == pytest.approx(2.6 * 177)
    assert voltages[2] == pytest.approx(3.295 * 177)
    assert len(pack().cell_voltages_v()) == 177


def test_charging_moves_charge_and_heat() -> None:
    one = pack(soc_pct=20.0)
    one.contactor_closed, one.current_a = True, 151.0
    for _ in range(3600):
        one.advance(1.0)
    assert one.soc_pct == pytest.approx(20.0 + 151.0 / one.capacity_ah * 100.0, abs=0.01)
    assert one.temperature_c > one.ambient_c
    assert one.link_voltage_v == one.voltage_v


def test_no_current_flows_through_an_open_contactor_and_the_link_discharges() -> None:
    one = pack()
    one.contactor_closed = True
    one.advance(0.1)
    one.contactor_closed, one.current_a = False, 50.0
    for _ in range(40):
        one.advance(0.05)
    assert one.current_a == 0.0
    assert one.link_voltage_v < 60.0


@pytest.mark.parametrize("serial", ["CATL-123", "CATL00000001x", "CATL-0000000x"])
def test_a_serial_that_brm_cannot_carry_is_refused(serial: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        Pack(serial, 50.0)


def test_isolating_takes_about_two_seconds() -> None:
    one = truck()
    assert one.bus_voltage_v > 500.0
    assert all(one.contactor_closed(mount) and one.packs[mount].contactor_closed for mount in (1, 2))
    one.request = TruckRequest.ISOLATE
    assert one.busy
    advance(one, 0.1)
    assert one.swap_mode
    assert not one.hv_off
    advance(one, 0.5)
    assert one.hv_off
    assert not any(one.contactor_closed(mount) or one.packs[mount].contactor_closed for mount in (1, 2))
    assert one.busy
    advance(one, 1.4)
    assert one.bus_voltage_v < 60.0
    assert one.packs[1].link_voltage_v < 60.0
    assert not one.busy


def test_reconnecting_runs_the_self_test_then_the_truck_may_leave() -> None:
    one = truck()
    one.request = TruckRequest.ISOLATE
    advance(one, 3.0)
    one.request = TruckRequest.LEAVE
    advance(one, 3.0)
    assert one.swap_mode  # without high voltage it cannot leave
    one.request = TruckRequest.RECONNECT
    advance(one, 3.0)
    assert one.self_test is SelfTest.RUNNING
    assert one.busy
    assert one.contactor_closed(1)
    advance(one, 8.0)
    assert one.self_test is SelfTest.PASSED
    assert not one.busy
    one.request = TruckRequest.LEAVE
    advance(one, 1.0)
    assert not one.swap_mode
    assert not one.busy


@pytest.mark.parametrize("fault", ["empty", "unlocked", "parted", "electric"])
def test_the_self_test_fails_on_what_is_not_right_and_can_be_repeated(fault: str) -> None:
    one = truck()
    one.request = TruckRequest.ISOLATE
    advance(one, 3.0)
    taken = one.packs[2]
    if fault == "empty":
        del one.packs[2]
    elif fault == "unlocked":
        one.locked[2] = False
    elif fault == "parted":
        taken.part()
    else:
        one.faults.self_test_fails = True
    one.request = TruckRequest.RECONNECT
    advance(one, 12.0)
    assert one.self_test is SelfTest.FAILED
    assert one.hv_off
    assert not one.busy
    assert not one.contactor_closed(2)
    one.packs[2], one.locked[2], one.faults.self_test_fails = taken, True, False
    taken.mate(0x82)
    one.request = TruckRequest.NONE
    advance(one, 0.1)
    one.request = TruckRequest.RECONNECT
    advance(one, 12.0)
    assert one.self_test is SelfTest.PASSED


def test_a_welded_contactor_keeps_the_bus_live() -> None:
    one = truck()
    one.packs[2].faults.contactor_welded = True
    one.request = TruckRequest.ISOLATE
    advance(one, 5.0)
    assert one.contactor_closed(2)
    assert one.bus_voltage_v > 500.0
    assert one.busy


def test_a_deaf_truck_does_nothing_and_is_not_busy() -> None:
    one = truck()
    one.faults.deaf = True
    one.request = TruckRequest.ISOLATE
    advance(one, 3.0)
    assert not one.swap_mode
    assert not one.busy
