"""Faults of people and of the PLC's power, made with the plant's own verbs; alike on every ground."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from drivers.errors import StationError
from hil.faults import site_kinds as site
from hil.faults.catalogue import Fault
from hil.rig.operator import Operator

LOOK_S = 0.02
STRANGER = "LZZ5CLSB8NA999999"
"""Authorised by a button that is pressed at any time: a truck that never comes."""
Switch = Callable[[], Awaitable[None]]


class CannotDo(StationError):
    """A ground was asked for what it cannot do; nothing was done."""


class Asked(Protocol):
    """What is needed of a ground."""

    operator: Operator

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """One request to the plant."""


_INPUTS: dict[str, tuple[str, str]] = {
    "people.zone": ("zone", "clear"),
    "people.estop": ("estop", "released"),
    "people.doors": ("doors", "closed"),
    "people.fire": ("fire", "clear"),
}
"""By kind: the plant's verb, and the argument that is true when all is well."""


async def inject(ground: Asked, fault: Fault) -> None:
    """Switch one of them on. Raises CannotDo for a fault that is none of them."""
    if isinstance(fault, site.PeopleButton):
        arguments: dict[str, object] = {"vin": STRANGER} if fault.verb == "authorise" else {}
        await ground.operator.publish(fault.verb, ground.operator.command(fault.verb, 30.0, arguments))
    elif isinstance(fault, site.PlcReboot):
        while fault.in_move and not (await ground.ask("truth"))["truth"]["robot"]["active"]:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        await ground.ask("power_cut")
    elif isinstance(fault, (site.PeopleZone, site.PeopleEstop, site.PeopleDoors, site.PeopleFire)):
        verb, key = _INPUTS[fault.kind]
        shows: bool | str = False if fault.shows == "false" else fault.shows
        await ground.ask(verb, **{key: shows})
    else:
        raise CannotDo("not possible on this ground", where="fault", value=fault.kind)


async def heal(ground: Asked, kind: str) -> None:
    """Switch one of them off."""
    if kind in _INPUTS:
        verb, key = _INPUTS[kind]
        await ground.ask(verb, **{key: True})
    elif kind == "plc.reboot":
        await ground.ask("power_return")


class Switched:
    """Which faults are on, so that all can be healed. other: kinds of this ground alone, each with its on and off."""

    def __init__(self, ground: Asked, other: dict[str, tuple[Switch, Switch]]) -> None:
        self._ground, self._other = ground, other
        self._on: dict[str, None] = {}

    async def inject(self, fault: Fault) -> None:
        """Switch it on. Raises StationError if it cannot be done here."""
        if fault.kind in self._other:
            await self._other[fault.kind][0]()
        elif fault.kind.startswith(("modbus.", "can.")):
            await self._ground.ask("fault", fault=fault.model_dump(exclude_none=True))
        else:
            await inject(self._ground, fault)
        self._on[fault.kind] = None

    async def heal(self, kind: str | None) -> None:
        """Switch faults of a kind off, or all that are on."""
        for each in [k for k in self._on if kind in (None, k)]:
            del self._on[each]
            if each in self._other:
                await self._other[each][1]()
            elif each.startswith(("modbus.", "can.")):
                await self._ground.ask("heal", kind=each)
            else:
                await heal(self._ground, each)
