"""The plant of a day: bays with packs, chargers and meters, the truck's mounts, and the accounts of all of them."""

from __future__ import annotations

from typing import Final

from hil.day.accounts import Accounts, stored_wh
from hil.day.peak import Peak
from hil.day.strain import Strain, Worst
from hil.plant import cells, places
from hil.plant.charger import CONVERSION, RUNNING_W, STANDBY_W, UP_A_S, Charger
from hil.plant.electrics import Electrics
from hil.plant.meter import Meter
from hil.plant.pack import Pack
from hil.plant.places import Place
from hil.plant.supplies import Supplies

FINE_S: Final = 0.1
RAMPS_A: Final = 0.98 * UP_A_S * FINE_S
"""A current that changes by less in FINE_S is where it wants to be."""


class Yard:
    """count: of bays, all of them with charger and meter. limit_w: the true grid limit. Times in s since midnight."""

    def __init__(self, count: int, limit_w: float, ambient_c: float) -> None:
        numbers = range(1, count + 1)
        self.ambient_c = ambient_c
        self.bays = {n: places.bay(n, n - 1, count, 0x80 + n) for n in numbers}
        self.mounts = {n: places.mount(n, 0xA0 + n) for n in (1, 2, 3)}
        self.supplies = Supplies(self.bays)
        self.electrics = Electrics(self.bays, self.supplies)
        for n in numbers:
            self.electrics.fit(n, Charger(ambient_c=ambient_c))
            self.electrics.meters[n] = Meter(4710 + n)
        self.electrics.grid_meter = Meter(4700)
        self.accounts, self.peak, self.worst = Accounts(), Peak(limit_w), Worst()
        self._strains = {n: Strain(n, self.worst) for n in numbers}
        self._docked_wh: dict[int, float] = {}
        self._before_a: dict[int, float] = {}
        self._packs = 0
        self.last_w = 0.0

    # ---- packs come and go

    def pack(self, soc_pct: float, warmer_k: float = 0.0) -> Pack:
        """Another pack, so much warmer than the air."""
        self._packs += 1
        serial = f"DAYS-{self._packs:08d}"
        return Pack(serial, soc_pct, temperature_c=self.ambient_c + warmer_k, ambient_c=self.ambient_c)

    def dock(self, number: int, pack: Pack) -> None:
        """A pack is locked and mated in a bay."""
        self.bays[number].put(pack)
        self._docked_wh[number] = stored_wh(pack)
        self._strains[number].renew()
        self.supplies.connect()

    def lift(self, number: int) -> Pack:
        """A pack is taken out of a bay. Raises ValueError if there is none, or its supply is closed."""
        place = self.bays[number]
        if place.pack is None or place.pack.supplied:
            raise ValueError(f"bay {number}: nothing there, or its supply is closed")
        self._settle(number, place.pack)
        return take(place)

    def _settle(self, number: int, pack: Pack) -> None:
        now_wh = stored_wh(pack)
        self.accounts.gained += now_wh - self._docked_wh[number]
        self._docked_wh[number] = now_wh

    def close(self) -> Accounts:
        """The accounts with what is in the bays by now."""
        for number, place in self.bays.items():
            if place.pack is not None:
                self._settle(number, place.pack)
        meters = self.electrics.meters.values()
        self.accounts.counted = sum(meter.energy_in_wh - meter.energy_out_wh for meter in meters)
        grid = self.electrics.grid_meter
        self.accounts.grid_counted = grid.energy_in_wh if grid is not None else 0.0
        return self.accounts

    # ---- time

    def allow(self) -> None:
        """Once a cycle: what the packs may be charged with now."""
        for number, place in self.bays.items():
            if place.pack is not None and place.pack.supplied:
                self._strains[number].allow(place.pack)

    def step(self, at_s: float, dt_s: float) -> bool:
        """Let plant time pass; whether any current ramps."""
        self.electrics.advance(dt_s, dt_s)
        accounts, by_w, total_w, ramps = self.accounts, {}, 0.0, False
        lost_w = coolant_w = heat_w = 0.0
        for number, charger in self.electrics.chargers.items():
            by_w[number] = charger.input_w
            total_w += by_w[number]
            lost_w += STANDBY_W if charger.powered else 0.0
            coolant_w += charger.coolant_w
            current_a = charger.current_a
            if charger.relay_closed:
                lost_w += RUNNING_W + charger.output_w * (1.0 / CONVERSION - 1.0)
                heat_w += self._charge(number, charger, at_s)
            ramps = ramps or abs(current_a - self._before_a.get(number, 0.0)) > RAMPS_A
            self._before_a[number] = current_a
        auxiliary_w = self.electrics.auxiliary_w
        total_w += auxiliary_w
        self.last_w = total_w
        self.peak.see(at_s, total_w, auxiliary_w, by_w, dt_s)
        hours = dt_s / 3600.0
        accounts.grid += total_w * hours
        accounts.auxiliary += auxiliary_w * hours
        accounts.coolant += coolant_w * hours
        accounts.losses += lost_w * hours
        accounts.heat += heat_w * hours
        self._age(dt_s)
        return ramps

    def _charge(self, number: int, charger: Charger, at_s: float) -> float:
        """What flows into a pack is within its limits; the part of it that becomes heat, in W."""
        pack = self.bays[number].pack
        if pack is None or pack.current_a == 0.0:
            return 0.0
        self._strains[number].see(pack, charger.output_v, at_s, charger.disobeys)
        return pack.current_a * (charger.output_v - pack.ocv_v * cells.CELLS)

    def _age(self, dt_s: float) -> None:
        for place in (*self.bays.values(), *self.mounts.values()):
            if place.pack is not None:
                place.pack.advance(dt_s)


def take(place: Place) -> Pack:
    """The pack of a place, parted from its coupler. Raises ValueError if there is none."""
    pack = place.pack
    if pack is None:
        raise ValueError(f"{place.name}: nothing there")
    pack.part()
    place.pack = None
    place.lock.position = place.coupler.position = 0.0
    return pack
