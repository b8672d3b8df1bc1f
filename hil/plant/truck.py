"""The truck in the lane as a plant: mounts, traction bus, and how its swap controller reacts to the station."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drivers.truck_status import SelfTest, TruckRequest
from hil.plant.pack import Pack

MOUNTS = 3
OPEN_AFTER_S = 0.5
"""Plant time from ISOLATE to contactors open and high voltage off."""
DECAY_S = 0.45
"""Time constant of the traction bus once the contactors are open: 600 V are below 60 V after about 1.0 s."""
PRECHARGE_S = 1.5
"""Plant time from RECONNECT to the contactors closed."""
SELF_TEST_S = 8.0
LEAVE_S = 0.5


@dataclass(slots=True)
class TruckFaults:
    """What a scenario can make wrong with the truck. The defaults are a healthy truck."""

    mute: bool = False  # the swap controller sends nothing
    deaf: bool = False  # it does not act on requests
    counter_stuck: bool = False  # TSC1 goes on, its counter stands still
    bus_stays_live: bool = False  # the traction bus does not discharge
    self_test_fails: bool = False
    brake_slips: bool = False  # the parking brake is applied, and says so, but does not hold
    brake_released: bool = False  # the driver lets it go


class Truck:
    """One truck. The world moves `packs`, sets `locked` and `parking_brake`, and calls `advance`.

    vin:       17 characters.
    packs:     pack by mount number (1..3); a mount that is fitted but empty has no entry.
    locked:    lock state by mount number, as the truck's own switches see it.
    request:   what the station asked last; set by the CAN peer.
    self_test: see SelfTest.
    """

    def __init__(self, vin: str, packs: dict[int, Pack], *, mounts_fitted: int | None = None) -> None:
        if len(vin) != 17 or not vin.isascii():
            raise ValueError(f"VIN {vin!r}: 17 characters")
        self.vin = vin
        self.packs = packs
        self.mounts_fitted = mounts_fitted if mounts_fitted is not None else max(packs, default=1)
        self.locked = {mount: mount in packs for mount in range(1, self.mounts_fitted + 1)}
        self.parking_brake = True
        self.swap_mode = False
        self.hv_off = False
        self.self_test = SelfTest.IDLE
        self.request = TruckRequest.NONE
        self.faults = TruckFaults()
        self._closed = dict.fromkeys(packs, True)
        self._acting_on = TruckRequest.NONE
        self._since_s = 0.0
        self.bus_voltage_v = self._source_v()
        self._drive_packs(0.0)

    @property
    def busy(self) -> bool:
        """True while the truck acts on a request; waiting for it is the truck's time, not the station's."""
        if self.request is not self._acting_on and not self.faults.deaf:
            return self.request is not TruckRequest.NONE
        return not self._finished()

    @property
    def stirring(self) -> bool:
        """True while something changes by itself here: a request acted on, a traction bus that discharges."""
        if self.request is not self._acting_on or not self._finished():
            return True
        return self.bus_voltage_v > 1.0 and not any(self.contactor_closed(mount) for mount in self.packs)

    def contactor_closed(self, mount: int) -> bool:
        """True while the contactor of this mount is closed and a pack is there."""
        pack = self.packs.get(mount)
        return pack is not None and (self._closed.get(mount, False) or pack.faults.contactor_welded)

    def advance(self, dt_s: float) -> None:
        """Let `dt_s` seconds of plant time pass. The packs' own `advance` is the world's to call."""
        if self.request is not self._acting_on and not self.faults.deaf:
            self._acting_on, self._since_s = self.request, 0.0
        else:
            self._since_s += dt_s
        if self._acting_on is TruckRequest.ISOLATE:
            self._isolate()
        elif self._acting_on is TruckRequest.RECONNECT:
            self._reconnect()
        elif self._acting_on is TruckRequest.LEAVE:
            self._leave()
        self._drive_packs(dt_s)

    def _isolate(self) -> None:
        self.swap_mode, self.self_test = True, SelfTest.IDLE
        if self._since_s >= OPEN_AFTER_S:
            self.hv_off = True
            self._closed.clear()

    def _reconnect(self) -> None:
        if self.self_test is SelfTest.FAILED and self._since_s > 0.0:
            return
        if self._since_s < PRECHARGE_S:
            self.self_test = SelfTest.RUNNING
        elif not self._sound():
            self._fail()
        elif not self._tested():
            self.hv_off = False
            self._closed = dict.fromkeys(self.packs, True)
        else:
            self.self_test = SelfTest.PASSED

    def _fail(self) -> None:
        self.self_test, self.hv_off = SelfTest.FAILED, True
        self._closed.clear()

    def _leave(self) -> None:
        """A truck that has no sound high voltage stays in swap mode: it could not drive."""
        if self._since_s >= LEAVE_S and not self.hv_off and self.self_test is not SelfTest.FAILED:
            self.swap_mode = False

    def _sound(self) -> bool:
        """Every fitted mount holds a locked, mated pack and nothing else is wrong."""
        mounts = range(1, self.mounts_fitted + 1)
        filled = all(m in self.packs and self.packs[m].mated and self.locked.get(m, False) for m in mounts)
        return filled and not self.faults.self_test_fails

    def _tested(self) -> bool:
        return self._since_s >= PRECHARGE_S + SELF_TEST_S

    def _finished(self) -> bool:
        if self._acting_on is TruckRequest.ISOLATE:
            return self.hv_off and self.bus_voltage_v < 60.0
        if self._acting_on is TruckRequest.RECONNECT:
            return self.self_test in (SelfTest.PASSED, SelfTest.FAILED)
        if self._acting_on is TruckRequest.LEAVE:
            return not self.swap_mode or self.hv_off
        return True

    def _source_v(self) -> float:
        return max((pack.voltage_v for mount, pack in self.packs.items() if self.contactor_closed(mount)), default=0.0)

    def _drive_packs(self, dt_s: float) -> None:
        """Contactors of the packs follow the truck's; all see the traction bus outside of them."""
        for mount, pack in self.packs.items():
            pack.contactor_closed = self._closed.get(mount, False)
        source_v = self._source_v()
        if source_v > 0.0:
            self.bus_voltage_v = source_v
        elif not self.faults.bus_stays_live:
            self.bus_voltage_v *= math.exp(-dt_s / DECAY_S)
        for pack in self.packs.values():
            pack.link_voltage_v = self.bus_voltage_v if pack.mated else 0.0
