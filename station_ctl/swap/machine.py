"""The tables as `transitions` machines: synchronous, no callbacks, so a trigger either moves the state or raises.

Only the synchronous Machine is used (docs/adr/0002): its asynchronous sibling swallows cancellation.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from transitions import Machine, MachineError

from drivers.errors import StationError
from station_ctl.model.words import PackML
from station_ctl.swap.table import EDGES, PACKML_EDGES, STEPS, Edge, Step
from station_ctl.swap.thermal_table import EVACUATION_EDGES, EVACUATION_STEPS, RETURN_EDGES

logging.getLogger("transitions").setLevel(logging.WARNING)  # it tells every callback it does not have


class EdgeError(StationError):
    """A trigger was fired where the table has no such edge: a defect, or a verb at the wrong time."""


class _Cursor:
    """The model of a Machine: holds the state that is being moved."""

    state: str


class Table:
    """One table of edges: what may follow what."""

    def __init__(self, name: str, states: Iterable[str], edges: Iterable[Edge]) -> None:
        self._name = name
        self._cursor = _Cursor()
        names = [str(state) for state in states]
        self._machine = Machine(
            model=self._cursor,
            states=names,
            transitions=[[edge.trigger, str(edge.source), str(edge.target)] for edge in edges],
            initial=names[0],
            auto_transitions=False,
        )

    def follow(self, state: str, trigger: str) -> str:
        """The state that `trigger` leads to from `state`. Raises EdgeError if the table has no such edge."""
        self._machine.set_state(str(state), self._cursor)  # an enum member would be looked up by its name
        try:
            self._machine.events[trigger].trigger(self._cursor)
        except (MachineError, KeyError) as e:
            raise EdgeError(f"no edge {trigger!r} from {state!r}", where=self._name) from e
        return self._cursor.state

    def allows(self, state: str, trigger: str) -> bool:
        """True if the table has an edge `trigger` from `state`."""
        return trigger in self._machine.get_triggers(str(state))


_ALL = (*STEPS, *EVACUATION_STEPS)
SWAP = Table("swap table", [step.name for step in _ALL], (*EDGES, *EVACUATION_EDGES, *RETURN_EDGES))
PACKML = Table("PackML table", list(PackML), PACKML_EDGES)
STEP: dict[str, Step] = {step.name: step for step in _ALL}
