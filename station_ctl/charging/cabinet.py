"""The charger and the meter of one bay: watched, led through a charge, and asked for what the bay may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from drivers.charger_status import ChargerMode, SetPoint
from drivers.reading import Signal
from station_ctl.charging import seen, set_point
from station_ctl.charging.energy import Energy, EnergyMind
from station_ctl.charging.fill import Wish
from station_ctl.charging.meter_check import MeterCheckMind
from station_ctl.charging.pack_limits import PackLimits
from station_ctl.charging.phases import POWERED
from station_ctl.charging.power import Power
from station_ctl.charging.session import Session
from station_ctl.charging.session_values import End, SessionLook, SessionMind
from station_ctl.charging.stall import stalled
from station_ctl.charging.stay import Stay, StayMind
from station_ctl.charging.supervision import INPUTS, Findings, Supervision, SupervisionMind, Watched
from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place
from station_ctl.model.state import BayCharge

PACK_S = 1.0
"""The BMS's current (BCS, every 250 ms) that is older is not known."""
CELLS_S = 30.0
"""Cell voltages that are older say nothing of their spread; BMV comes every 10 s."""


@dataclass(slots=True)
class CabinetMind:
    """What is remembered.

    wanted: of the charger, by its four numbers. by: who set the current. room: its share of the grid is at least what a
    charger takes that is on. wrong: what is found in this look. trouble: what has ended a charge, until one delivers
    again or a person clears.
    """

    wanted: tuple[int, float, float, float] = (0, 0.0, 0.0, 0.0)
    by: str = ""
    room: bool = False
    wrong: str = ""
    trouble: str = ""


class Cabinet:
    """Of one bay."""

    def __init__(self, place: Place, config: Config, limits: PackLimits) -> None:
        section = next(b for b in config.bay if b.number == place.number)
        if section.charger is None:
            raise ValueError(f"{place} has no charger")
        self.power = Power(place, section.charger.power_kw * 1000.0, limits, config.charging)
        self.session, self.supervision, self.energy = Session(), Supervision(), Energy()
        self.stay, self.mind = Stay(), CabinetMind()
        self._place, self._config = place, config
        self._has_meter = section.meter is not None

    @property
    def wanted(self) -> SetPoint:
        """What was decided for the charger last."""
        mode, current_a, voltage_v, power_w = self.mind.wanted
        return SetPoint(ChargerMode(mode), current_a, voltage_v, power_w)

    def watch(self, snapshot: Snapshot, serial: str | None, *, empty: bool) -> Findings:
        """Judge charger and meter; the interlock's inputs. serial: of the pack here, None if not known."""
        number, now_s = self._place.number, snapshot.now_s
        status, metered = snapshot.chargers.get(number), snapshot.meters.get(number)
        least = self._config.safety.insulation_ohm_per_v
        pack_a = self._pack_a(snapshot)
        found = self.supervision.look(Watched(now_s, status, metered, self.wanted, self._has_meter, least, pack_a))
        if self._has_meter:
            self.energy.look(metered, now_s)
            self.stay.look(serial, self.energy, empty=empty)
        self.mind.wrong = next((said for name, said in INPUTS.items() if found[name] is not Signal.TRUE), "")
        return found

    def _pack_a(self, snapshot: Snapshot) -> float | None:
        return snapshot.packs[self._place].pack_current_a.good(snapshot.now_s, PACK_S)

    @property
    def trouble(self) -> str:
        """What is wrong with charger or meter now, or has ended a charge; one line, '' if nothing."""
        return self.mind.wrong or self.mind.trouble

    def told(self, charge: BayCharge) -> BayCharge:
        """How the bay stands, with what there is to say of its charger and meter."""
        return replace(
            charge,
            phase=self.session.phase if self.session.running else "",
            limited_by=self.mind.by,
            trouble=self.trouble,
            energy_kwh=self.energy.kwh,
            metered=self._has_meter and self.energy.mind.final and self.energy.kwh is not None,
            stay_kwh=self.stay.mind.kwh,
            unmetered=self.energy.why if self._has_meter and self.energy.mind.final else "",
        )

    def forget(self) -> None:
        """A person has cleared; what is still wrong is found again."""
        self.mind.trouble = ""

    def begin(self, now_s: float) -> None:
        """It is the bay's turn."""
        self.session.begin(now_s)
        self.energy.begin()

    def cut(self, now_s: float) -> None:
        """Off at once."""
        self.mind.trouble = self.mind.wrong or self.mind.trouble
        self.session.cut(now_s)
        self.energy.end(now_s)

    def step(self, snapshot: Snapshot, finish: End | None, *, cold: bool) -> End | None:
        """Lead a charge on that is under way; how it ended, if it did."""
        look = self._look(snapshot, finish or self._lapsed(snapshot), cold=cold)
        ended = self._untold(snapshot) or self.session.step(look)
        if ended is not None:
            self.energy.end(look.now_s)
            self.mind.trouble = ended.reason if ended.failed else self.mind.trouble
        elif self.session.phase in POWERED and (look.current_a or 0.0) > self.wanted.current_a / 2 > 0.0:
            self.mind.trouble = ""  # it delivers; what is wrong now was found in this look, and has ended the charge
        return ended

    def _untold(self, snapshot: Snapshot) -> End | None:
        """Its driver cannot carry what was wanted, and has switched it off: so does this."""
        why = snapshot.unsaid.get(self._place.number)
        if why is None:
            return None
        self.session.cut(snapshot.now_s)
        return End("charger_failed", f"the charger cannot be told what is wanted of it: {why}", failed=True)

    def _lapsed(self, snapshot: Snapshot) -> End | None:
        """The cycle said nothing for so long that the charger's driver has switched it off."""
        said = stalled(snapshot) if self.wanted.mode is not ChargerMode.OFF else None
        return End(*said) if said is not None else None

    def _look(self, snapshot: Snapshot, finish: End | None, *, cold: bool) -> SessionLook:
        number, now_s, config = self._place.number, snapshot.now_s, self._config.charging
        pack, robot = snapshot.packs[self._place], snapshot.robot
        status, metered = snapshot.chargers.get(number), snapshot.meters.get(number)
        cells_v = pack.cell_voltages_v.good(now_s, CELLS_S)
        return SessionLook(
            now_s,
            seen.charger(status, now_s),
            cold=cold,
            closed=robot is not None and robot.bays[number - 1].energised is Signal.TRUE,
            current_a=seen.greatest(seen.current_a(status, metered, now_s), self._pack_a(snapshot)),
            pack_v=pack.pack_voltage_v.good(now_s, set_point.DEMAND_S),
            limit_v=self.wanted.voltage_v,
            spread_mv=(max(cells_v) - min(cells_v)) * 1000.0 if cells_v else None,
            uneven_mv=config.balance_spread_mv,
            balance_s=config.balance_min * 60.0,
            room=self.mind.room,
            finish=finish,
        )

    def wish(self, snapshot: Snapshot) -> Wish | None:
        """What the bay would draw from the grid now; None: nothing."""
        return self.power.wish(snapshot, self.session.phase)

    def want(self, snapshot: Snapshot, granted_w: float) -> SetPoint:
        """What is wanted of the charger from now on, with this share of the grid."""
        found, self.mind.by = self.power.want(snapshot, self.session.phase, granted_w)
        self.mind.wanted = (int(found.mode), found.current_a, found.voltage_v, found.power_w)
        self.mind.room = granted_w >= seen.FIXED_W
        return found

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values."""
        return {name: asdict(mind) for name, mind in self._minds().items()}

    def _minds(self) -> dict[str, Any]:
        return {
            "session": self.session.mind,
            "supervision": self.supervision.mind,
            "check": self.supervision.check.mind,
            "energy": self.energy.mind,
            "stay": self.stay.mind,
            "cabinet": self.mind,
        }

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this release gave."""
        shape = {name: {f.name for f in fields(mind)} for name, mind in self._minds().items()}
        if {name: set(part) for name, part in memory.items()} != shape:
            raise ValueError(f"no memory of the charger of {self._place}: {sorted(memory)}")
        self.session.mind = SessionMind(**memory["session"])
        watched = memory["supervision"]
        self.supervision.mind = SupervisionMind(**{**watched, "since_s": dict(watched["since_s"])})
        self.supervision.check.mind = MeterCheckMind(**memory["check"])
        self.energy.mind = EnergyMind(**memory["energy"])
        self.stay.mind = StayMind(**memory["stay"])
        wanted = memory["cabinet"]["wanted"]
        self.mind = CabinetMind(**{**memory["cabinet"], "wanted": tuple(wanted)})
