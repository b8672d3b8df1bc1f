"""Everybody who judges the plant and remembers something from one cycle to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from station_ctl.charging import table as charging_table
from station_ctl.charging.charger import Charger
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.safety import table
from station_ctl.safety.guard import Guard
from station_ctl.swap import changes, recovery
from station_ctl.thermal.watch import Watch, tell

Memory = Mapping[str, object]
"""What a decider remembers between two cycles, in plain values: None, bool, int, float, str, lists, dicts by name."""


@dataclass(frozen=True, slots=True)
class Deciders:
    """Everybody who judges the plant and remembers something between two cycles beside the station's state.

    A decider has `dump() -> Memory` and `load(Memory)`, exact inverses of each other; what it tells goes into the one
    Decision. Each field here is one.
    """

    guard: Guard
    charger: Charger
    watch: Watch = field(default_factory=Watch)

    @classmethod
    def of(cls, config: Config) -> Deciders:
        """All of them as a station starts. Raises TableError for a cause table that cannot be used."""
        return cls(Guard(table.load(), config), Charger(charging_table.load(), config))

    def judge(self, snapshot: Snapshot, state: StationState) -> Decision:
        """The first look of a cycle: all deciders."""
        robot_state = snapshot.robot.state if snapshot.robot else None
        reset = recovery.reset_line(state, robot_state)
        decision = self._interlock(snapshot, state, reset=reset)
        return self.charger.decide(snapshot, state, tell(decision, self.watch.look(snapshot)))

    def judge_again(self, snapshot: Snapshot, state: StationState, first: Decision) -> Decision:
        """The look before an order is written: the interlocks; what the watch saw in this cycle stays."""
        decision = self._interlock(snapshot, state, reset=False)
        decision = replace(decision, thermal=first.thermal, suspect=first.suspect, blind=first.blind)
        return self.charger.decide(snapshot, state, decision)

    def _interlock(self, snapshot: Snapshot, state: StationState, *, reset: bool) -> Decision:
        engaged, worked_at = changes.engaged(state), changes.worked_at(state, snapshot.robot)
        return self.guard.judge(snapshot, state, reset=reset, engaged=engaged, worked_at=worked_at)

    def dump(self) -> dict[str, Memory]:
        """What all of them remember, by the name of the field."""
        return {"guard": self.guard.dump(), "charger": self.charger.dump(), "watch": self.watch.dump()}

    def load(self, memory: Mapping[str, Memory]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        if set(memory) != {"guard", "charger", "watch"}:
            raise ValueError(f"memory of {', '.join(sorted(memory)) or 'nobody'}, not of guard, charger and watch")
        try:
            self.guard.load(memory["guard"])
            self.charger.load(memory["charger"])
            self.watch.load(memory["watch"])
        except (TypeError, LookupError, AttributeError, OverflowError) as e:
            raise ValueError(f"memory of another form: {e!s:.100}") from e
