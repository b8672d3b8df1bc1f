"""One bay: its interlock, its latch, and why it charges or does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from drivers.pack_status import PackLink
from drivers.reading import Signal
from station_ctl.charging.cabinet import Cabinet
from station_ctl.charging.lead import PAUSE_S, lead, warms
from station_ctl.charging.mind import Mind, tuples
from station_ctl.charging.phases import PHASES
from station_ctl.charging.scene import READERS, SUBJECTS, BayScene
from station_ctl.charging.table import Effect
from station_ctl.charging.verdict import GOES, OBEYS_S, UNCONFIRMED, verdict
from station_ctl.charging.why import culprit, empty, explained
from station_ctl.config import Config
from station_ctl.kernel.interlock import Interlock
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.state import BayCharge
from station_ctl.safety.inputs import Packer
from station_ctl.safety.table import Table
from station_ctl.swap import plan

LET_GO_S = 3.0
"""So long a charge may take to its end once the robot is to come for its bay: a ramp is 2 s, the robot's way longer."""
LEFT_S = 2.0
"""A pack has left once its bay has read empty, and its BMS was silent, for so long; one bad look is no departure."""


class Bay:
    """A bay's supply. `look` judges it and withdraws its permit where it must; `start` gives it.

    cabinet: the bay's charger and meter; None: the charger, if there is one, follows the BMS by itself. With a cabinet
    `start` begins a charge that gives the permit by itself once the charger is ready for it.
    """

    def __init__(
        self, place: Place, isolation: bool, table: Table, config: Config, cabinet: Cabinet | None = None
    ) -> None:
        self.place, self.isolation, self.cabinet = place, isolation, cabinet
        self.mind = Mind()
        self.charge = BayCharge(False, "unconfirmed", UNCONFIRMED)
        self._table, self._config = table, config
        self._packer = Packer(table, READERS, SUBJECTS)
        self._rows = [cause.row(config.safety) for cause in table.causes]
        self._kernel = Interlock(self._rows, int(Effect.CHARGE), tripped_blocks=True)

    @property
    def busy(self) -> bool:
        """It has its turn: it charges, or prepares to."""
        return self.mind.permitted or (self.cabinet is not None and self.cabinet.session.running)

    @property
    def _before_supply(self) -> bool:
        """What is too cold to be charged may be warmed, as long as nothing has been tested or closed for a charge."""
        return self.cabinet is not None and self.cabinet.session.phase in ("ready", "handshake", "warming", "ended")

    def look(self, scene: BayScene, *, confirmed: bool) -> bool:
        """One look; True if the bay could charge now, or does."""
        mind, was = self.mind, self.mind.permitted
        left = self._left(scene)
        if mind.tripped and confirmed and left:
            self._renew()
        mask, permits, mind.latched, _, first, _ = self._kernel.judge(
            self._packer.pack(scene), int(Effect.CHARGE) if was else 0, self._reset(left and confirmed)
        )
        if not mind.latched:
            mind.tripped = mind.quarantine = ""
            mind.serial = plan.serial(scene.pack) or ""
        elif first >= 0 and not mind.tripped:  # the value that tripped it, not what it reads afterwards
            cause = self._table.causes[first]
            mind.tripped = explained(cause, scene, self._config.safety)
            mind.quarantine = culprit(cause, scene, self._config.safety)
            mind.serial = plan.serial(scene.pack) or mind.serial  # silent by now: the one of the look before
        mind.live = scene.disobeys
        warmable = self.cabinet is not None and not mind.latched and self._config.charging.warming_kw > 0.0
        cold = warmable and self._before_supply and warms(mask, self._table.causes, scene)
        said = verdict(scene, mind, mask, self._table.causes, self._config, cold=cold)
        if self.cabinet is not None and self.cabinet.session.running:
            said = lead(self.cabinet, mind, scene, said, cold=cold)
        code, reason = said
        mind.permitted = mind.permitted and bool(permits)  # whatever led here: no permit that the kernel does not give
        if was and code != "charging":
            mind.permitted, mind.not_before_s = False, scene.snapshot.now_s + PAUSE_S
        self._say(code, reason)
        return (bool(permits) or cold) and code in GOES

    def start(self, now_s: float) -> None:
        """Give the permit, or begin what leads there; the bay was looked at in this very cycle."""
        if self.cabinet is not None:
            self.cabinet.begin(now_s)
            self._say("starting", PHASES[self.cabinet.session.phase])
            return
        self.mind.permitted, self.mind.since_s, self.mind.full = True, now_s, None
        self._say("charging", "")

    def end(self, code: str, reason: str, now_s: float) -> None:
        """Withdraw the permit, if there is one, and switch the charger off."""
        if self.busy:
            if self.cabinet is not None:
                self.cabinet.cut(now_s)
            self.mind.permitted = False
            self._say(code, reason)

    def disobeys(self, snapshot: Snapshot) -> bool:
        """Whether the supply is closed, or its contact in doubt, too long after its permit has gone."""
        robot, mind = snapshot.robot, self.mind
        shown = robot.bays[self.place.number - 1].energised if robot is not None else Signal.NOT_AVAILABLE
        if mind.permitted or shown not in (Signal.TRUE, Signal.UNTRUSTED):
            mind.odd_s = None
            return False
        if mind.odd_s is None:
            mind.odd_s = snapshot.now_s
        return snapshot.now_s - mind.odd_s > OBEYS_S

    def let_go(self, wanted: bool, now_s: float) -> bool:
        """Whether nothing flows any more that an ordinary end would let fall first; False for so long at most.

        A contactor that opens under current wears out; the robot lifts nothing whose supply is not measured open.
        wanted: the robot is to come for this bay.
        """
        mind = self.mind
        mind.wanted_s = (now_s if mind.wanted_s is None else mind.wanted_s) if wanted else None
        flows = self.cabinet is not None and self.cabinet.session.supplied
        return mind.wanted_s is None or not flows or now_s - mind.wanted_s > LET_GO_S

    def wait(self, others: int) -> None:
        """It could charge, but so many others do already."""
        if self.charge.code != "queued":
            self._say("queued", f"waits its turn: {others} bays charge already (charging.bays_at_once)")

    def _say(self, code: str, reason: str) -> None:
        said = BayCharge(self.mind.permitted, code, reason, self.mind.quarantine, self.mind.live)
        if self.cabinet is not None:
            said = self.cabinet.told(said)
        if said != self.charge:
            self.charge = said

    def _left(self, scene: BayScene) -> bool:
        """Whether the pack is gone for sure: its bay empty and silent for LEFT_S, or another pack tells its name."""
        mind, serial, now_s = self.mind, plan.serial(scene.pack), scene.snapshot.now_s
        if not empty(scene) or scene.pack.link is not PackLink.SILENT:
            mind.bare_s = None
        elif mind.bare_s is None:
            mind.bare_s = now_s
        gone = mind.bare_s is not None and now_s - mind.bare_s >= LEFT_S
        return gone or bool(mind.latched and mind.serial and serial and serial != mind.serial)

    def _renew(self) -> None:
        """The pack that tripped it has left: what was known of it counts no more."""
        self._kernel, self.mind.level = Interlock(self._rows, int(Effect.CHARGE), tripped_blocks=True), True
        self.mind.tripped = self.mind.quarantine = ""
        self.mind.asked = True

    def _reset(self, left: bool) -> bool:
        """Level of the reset line: it rises when a person has cleared, or the pack that tripped it has left."""
        mind = self.mind
        wanted = mind.asked or (mind.latched and left)
        mind.level = wanted and not mind.level
        if mind.level:
            mind.asked = False
        return mind.level

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values."""
        found: dict[str, object] = {
            "mind": asdict(self.mind),
            "kernel": self._kernel.dump(),
            "charge": asdict(self.charge),
        }
        return found | ({"cabinet": self.cabinet.dump()} if self.cabinet is not None else {})

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        names = {"mind", "kernel", "charge"} | ({"cabinet"} if self.cabinet is not None else set())
        if set(memory) != names or set(memory["mind"]) != {f.name for f in fields(Mind)}:
            raise ValueError(f"no memory of {self.place}: {sorted(memory)}")
        remembered = memory["mind"]
        self.mind = Mind(**{**remembered, "stalled": tuples(remembered["stalled"])})
        self.charge = BayCharge(**memory["charge"])
        self._kernel.load(tuples(memory["kernel"]))
        if self.cabinet is not None:
            self.cabinet.load(memory["cabinet"])
