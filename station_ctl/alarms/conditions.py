"""What stands now: every condition of the catalogue, looked for in the cycle's own values. Pure.

What can only mean danger or a stop is looked at in every cycle; what creeps (packs, bays, rates) every 0.2 s.
"""

from __future__ import annotations

from collections.abc import Mapping

from station_ctl.alarms import machine, packs
from station_ctl.alarms.entry import INTERLOCK, Catalogue
from station_ctl.alarms.look import Found, Look
from station_ctl.alarms.places import identifier, where
from station_ctl.alarms.record import Condition
from station_ctl.alarms.vitals import Vital, Vitals
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML

SLOW_S = 0.2
"""How often what creeps is looked at."""

_STANDS = {PackML.ABORTED: "station.aborted", PackML.HELD: "station.held"}
_STANDS_STILL = frozenset({PackML.ABORTING, PackML.ABORTED, PackML.HOLDING, PackML.HELD, PackML.STOPPED})


class Conditions:
    """Finds what stands in one station."""

    def __init__(self, config: Config, catalogue: Catalogue) -> None:
        self._config, self._catalogue = config, catalogue
        self._age_s = config.safety.plc_age_ms / 1000
        self._isolation = frozenset(b.number for b in config.bay if b.isolation)
        self._vitals = Vitals()
        self._key: tuple[object, ...] | None = None
        self._quick: Found = {}
        self._slow: Found = {}
        self._slow_s = float("-inf")
        self._found: Mapping[str, Condition] = {}

    def find(
        self, state: StationState, snapshot: Snapshot, decision: Decision, vital: Vital
    ) -> Mapping[str, Condition]:
        """What stands, by id of the alarm; the same object as before while nothing has changed."""
        look = Look(state, snapshot, decision, self._alive(snapshot))
        key, changed = look.key(), False
        if key != self._key:
            self._key, self._quick, changed = key, self._look(look), True
        if snapshot.now_s - self._slow_s >= SLOW_S - 1e-6:
            self._slow_s = snapshot.now_s
            slow = self._creeping(look, vital)
            self._slow, changed = slow, changed or slow != self._slow
        if changed:
            self._found = {**self._quick, **self._slow}
        return self._found

    def _alive(self, snapshot: Snapshot) -> bool:
        robot = snapshot.robot
        if robot is None:
            return False
        return snapshot.now_s - min(robot.received_s, robot.heartbeat_changed_s) <= self._age_s

    def _look(self, look: Look) -> Found:
        """What is looked at in every cycle."""
        return {
            **self._station(look.state),
            **machine.plc(look, self._catalogue.covered),
            **self._interlock(look),
            **machine.buses(look.snapshot, self._config),
            **machine.smoke(look.snapshot.robot),
            **self._thermal(look),
        }

    def _station(self, state: StationState) -> Found:
        """Held and Aborted with their reasons, and what the station waits for."""
        code, text = (state.reason.code, state.reason.text) if state.reason else ("", str(state.packml))
        if state.packml in _STANDS:
            return {_STANDS[state.packml]: Condition(text, reason=code)}
        texts = self._catalogue.reasons.get(code)
        return {texts.alarm: Condition(text)} if texts and texts.alarm else {}

    def _interlock(self, look: Look) -> Found:
        """The cause that tripped first, until a person clears; and what trips at rest while the latch is closed."""
        decision = look.decision
        if not decision.latched:
            return {}
        found: Found = {}
        if look.alive:
            found = {INTERLOCK + c: Condition() for c in decision.blocks_reset if c in self._catalogue.at_rest}
        if decision.first_out is not None:
            found[INTERLOCK + decision.first_out] = Condition(decision.tripped, first_out=True)
        covered = [INTERLOCK + cause for cause in self._catalogue.covered]
        return {code: condition for code, condition in found.items() if code not in covered}

    def _thermal(self, look: Look) -> Found:
        """Events, by our detector or the BMS's own; what may become one; what could not be seen."""
        decision, state = look.decision, look.state
        found = {identifier("pack.thermal_event", where(p)): Condition(text) for p, text in decision.thermal.items()}
        found |= {identifier("pack.thermal_suspect", where(p)): Condition(text) for p, text in decision.suspect.items()}
        found |= {identifier("pack.blind", where(p)): Condition(text) for p, text in decision.blind.items()}
        if state.evacuation is not None:
            found["evacuation.under_way"] = Condition(state.evacuation.why)
        stays = [text for place, text in decision.thermal.items() if not self._isolated(place)]
        if stays and (state.evacuation is None or state.packml in _STANDS_STILL):
            found["evacuation.needs_person"] = Condition(stays[0])
        return found

    def _isolated(self, place: Place) -> bool:
        return place in {bay(number) for number in self._isolation}

    def _creeping(self, look: Look, vital: Vital) -> Found:
        """What is looked at every 0.2 s."""
        snapshot = look.snapshot
        found = {**self._vitals.look(vital, snapshot.now_s), **packs.taken_away(look.state)}
        places = [bay(b.number) for b in self._config.bay] + [mount(m.number) for m in self._config.mount]
        for place in places:
            found |= packs.measured(place, snapshot, self._config)
        if snapshot.robot is not None:
            for section in self._config.bay:
                found |= packs.in_bay(section, snapshot.robot, look.state, snapshot, look.decision)
        return found
