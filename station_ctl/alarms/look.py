"""One cycle as the alarms see it."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.alarms.record import Condition
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState

Found = dict[str, Condition]
"""What stands, by id of the alarm."""


@dataclass(frozen=True, slots=True)
class Look:
    """One cycle as the alarms see it. alive: the PLC is read, fresh, and its program runs."""

    state: StationState
    snapshot: Snapshot
    decision: Decision
    alive: bool

    def key(self) -> tuple[object, ...]:
        """What the conditions of every cycle depend on."""
        state, decision, snapshot = self.state, self.decision, self.snapshot
        robot = snapshot.robot
        told = (decision.latched, decision.first_out, decision.blocks_reset)
        thermal = (decision.thermal, decision.suspect, decision.blind)
        return (
            state.packml,
            state.reason,
            state.evacuation,
            told,
            thermal,
            self.alive,
            robot is None or robot.state,
            tuple(snapshot.can.items()),
            robot and (robot.truck_present, *[b.smoke_clear for b in robot.bays]),
        )
