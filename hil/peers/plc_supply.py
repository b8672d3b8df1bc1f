"""What the PLC does with the bays' supplies (docs/robot-plc.md, 3a): a permit is a lease, and danger opens at once."""

from __future__ import annotations

from drivers.reading import Signal
from hil.plant.panel import BAY
from hil.plant.world import World

EVERY_BAY = 0xFFFFFFFF


class SupplyRules:
    """Coils of the supply contactors. A bay's bit counts while its lease runs and its interlock is closed.

    permits: as the last accepted block gave them. used_up: bits whose supply the PLC has opened by itself, or had to
    refuse; they close nothing more until a block has come without them. Both are lost with the power: then every bit
    is used up, so no supply closes by the power's return alone.
    """

    def __init__(self, world: World) -> None:
        self.permits, self.used_up, self.until_s = 0, EVERY_BAY, 0.0
        self._world = world

    def receive(self, charge_permits: int, supply_lease_ms: int, now_s: float) -> None:
        """An accepted block."""
        self._supervise(now_s)
        self.permits = charge_permits if supply_lease_ms else 0
        self.used_up &= self.permits
        self.until_s = now_s + supply_lease_ms / 1e3
        self.scan(now_s)

    def scan(self, now_s: float) -> None:
        """Coils as the inputs are now."""
        self._supervise(now_s)
        self._world.supplies.command(self.permits & ~self.used_up)

    def power_cut(self) -> None:
        """The coils fall off."""
        self.permits, self.used_up, self.until_s = 0, EVERY_BAY, 0.0
        self._world.supplies.command(0)

    def remaining_ms(self, now_s: float) -> int:
        """What is left of the lease."""
        return max(0, round((self.until_s - now_s) * 1e3))

    def _supervise(self, now_s: float) -> None:
        """Use up the bits that hold no longer."""
        standing = self.permits & ~self.used_up
        if not standing:
            return
        if now_s >= self.until_s or not self._cell_safe():
            self.used_up |= standing
            return
        for number in range(1, standing.bit_length() + 1):
            if standing >> (number - 1) & 1 and not self._bay_safe(number):
                self.used_up |= 1 << (number - 1)

    def _cell_safe(self) -> bool:
        inputs = self._world.inputs
        return inputs.estop_released is Signal.TRUE and inputs.fire_clear is Signal.TRUE

    def _bay_safe(self, number: int) -> bool:
        """A pack stands there, locked and mated, and its detector sees no smoke: each of them TRUE, nothing less."""
        world, broken = self._world, self._world.inputs.overrides
        place = world.bays.get(number)
        if place is None:
            return False
        shown = dict(zip(BAY, world.panel.places[place].shown, strict=True))
        shown["smoke_clear"] = world.inputs.smoke_clear.get(number, Signal.TRUE)
        return all(broken.get(f"bay.{number}.{name}", signal) is Signal.TRUE for name, signal in shown.items())
