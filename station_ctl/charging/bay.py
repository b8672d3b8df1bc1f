"""One bay: its interlock, its latch, and why it charges or does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from drivers.pack_status import PackLink
from drivers.reading import Signal
from station_ctl.charging.mind import Mind, tuples
from station_ctl.charging.scene import READERS, SUBJECTS, BayScene
from station_ctl.charging.table import Effect
from station_ctl.charging.why import culprit, empty, explained, soc_pct_of
from station_ctl.config import Config
from station_ctl.kernel.interlock import Interlock
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.state import BayCharge
from station_ctl.safety.inputs import Packer
from station_ctl.safety.table import Table
from station_ctl.swap import plan

UNCONFIRMED = "nothing charges before a person has cleared the station after its start"
OBEYS_S = 1.0
"""A supply has closed or opened by then: lease, scan, contactor and poll together are shorter."""
PAUSE_S = 10.0
"""A bay whose charging ended by itself is not tried again sooner; the PLC sees its permit gone meanwhile."""
LEFT_S = 2.0
"""A pack has left once its bay has read empty, and its BMS was silent, for so long; one bad look is no departure."""
REFILL_PCT = 3.0
"""A pack that was full charges again once it has lost so much (self-discharge); BCS counts whole percents."""


class Bay:
    """A bay's supply. `look` judges it and withdraws its permit where it must; `start` gives it."""

    def __init__(self, place: Place, isolation: bool, table: Table, config: Config) -> None:
        self.place, self.isolation = place, isolation
        self.mind = Mind()
        self.charge = BayCharge(False, "unconfirmed", UNCONFIRMED)
        self._table, self._config = table, config
        self._packer = Packer(table, READERS, SUBJECTS)
        self._rows = [cause.row(config.safety) for cause in table.causes]
        self._kernel = Interlock(self._rows, int(Effect.CHARGE), tripped_blocks=True)

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
        code, reason = self._verdict(scene, mask)
        if was and code != "charging":
            mind.permitted, mind.not_before_s = False, scene.snapshot.now_s + PAUSE_S
        self._say(code, reason)
        return bool(permits) and code in ("charging", "ready")

    def start(self, now_s: float) -> None:
        """Give the permit; the bay was looked at in this very cycle."""
        self.mind.permitted, self.mind.since_s, self.mind.full = True, now_s, None
        self._say("charging", "")

    def end(self, code: str, reason: str) -> None:
        """Withdraw the permit, if there is one."""
        if self.mind.permitted:
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

    def wait(self, others: int) -> None:
        """It could charge, but so many others do already."""
        if self.charge.code != "queued":
            self._say("queued", f"waits its turn: {others} bays charge already (charging.bays_at_once)")

    def _say(self, code: str, reason: str) -> None:
        said = BayCharge(self.mind.permitted, code, reason, self.mind.quarantine, self.mind.live)
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

    def _verdict(self, scene: BayScene, mask: int) -> tuple[str, str]:
        """(code, reason) of this look; the first that holds."""
        mind = self.mind
        if mind.tripped:
            return "tripped", mind.tripped
        if empty(scene) and not mind.permitted:
            return "empty", "no pack"
        if mind.latched:
            return "unconfirmed", UNCONFIRMED
        if mask:
            cause = next(c for i, c in enumerate(self._table.causes) if mask >> i & 1)
            return ("isolation" if scene.isolation else "withheld"), explained(cause, scene, self._config.safety)
        return self._ordinary(scene)

    def _ordinary(self, scene: BayScene) -> tuple[str, str]:
        """Nothing forbids it: whether there is anything to charge."""
        mind, now_s, config = self.mind, scene.snapshot.now_s, self._config.charging
        soc_pct = mind.soc_pct = soc_pct_of(scene)
        serial, least_pct = plan.serial(scene.pack), config.target_soc_pct
        if mind.full is not None and mind.full == serial:
            least_pct -= REFILL_PCT
        if soc_pct >= least_pct:
            if mind.permitted:
                mind.full = serial
            return "full", f"charge {soc_pct:g} %, target {config.target_soc_pct:g} %"
        if not (scene.pack.current_demand_a.value or 0.0) > 0.0:
            return "no_demand", "the BMS asks for no current"
        if not mind.permitted:
            wait_s = mind.not_before_s - now_s
            return ("ready", "") if wait_s <= 0.0 else ("pause", f"tried again in {wait_s:.0f} s")
        robot = scene.snapshot.robot
        closed = robot is not None and robot.bays[self.place.number - 1].energised is Signal.TRUE
        if not closed and now_s - mind.since_s > OBEYS_S:
            return "supply_open", "the supply did not close, or the PLC opened it: look at its contactor"
        return "charging", ""

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values."""
        return {"mind": asdict(self.mind), "kernel": self._kernel.dump(), "charge": asdict(self.charge)}

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        if set(memory) != {"mind", "kernel", "charge"} or set(memory["mind"]) != {f.name for f in fields(Mind)}:
            raise ValueError(f"no memory of {self.place}: {sorted(memory)}")
        self.mind, self.charge = Mind(**memory["mind"]), BayCharge(**memory["charge"])
        self._kernel.load(tuples(memory["kernel"]))
