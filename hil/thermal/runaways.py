"""Packs that run away, as the station hears of them: the plant's pack, its BMS's bytes, late and lost messages."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Final

from drivers.pack_messages import decode
from drivers.reading import Quality
from hil.peers.pack_encode import ENCODERS, encode_voltages
from hil.plant.cells import CAPACITY_AH
from hil.plant.pack import Pack
from hil.plant.runaway import ALARM_LIMIT_S, Phase
from station_ctl.kernel.thermal import EVENT, Detector
from station_ctl.thermal.limits import Limits

SHORTS_W: Final = (400.0, 20000.0)
"""Below, the model's cell does not run away but settles; above, it has within a minute."""
_BSM_S, _BMV_S, _STEP_S = 0.25, 10.0, 0.25
_LATE_S = 0.05
_LONGEST_S = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class Case:
    """One pack that runs away. lost: share of messages that never come. lists: whether its BMS sends BMV at all."""

    seed: int
    short_w: float
    alarm_s: float
    temperature_c: float
    charge_a: float
    lost: float
    attentive: bool
    lists: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """What the wire brought at one moment; NaN: nothing."""

    at_s: float
    hot_c: float
    cold_c: float
    low_v: float
    mid_v: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from the beginning of the record; None: not before the alarm. causes: what the detector said then."""

    case: Case
    short_s: float
    detected_s: float | None
    ran_away_s: float
    alarm_s: float
    causes: int

    @property
    def lead_s(self) -> float:
        """How long before the pack's own alarm; -inf if not before."""
        return -math.inf if self.detected_s is None else self.alarm_s - self.detected_s


def draw(seed: int) -> Case:
    """A case of its own for each seed: size of the short, delay of the alarm with both extremes, climate, line."""
    rng = random.Random(f"runaway {seed}")
    low_w, high_w = SHORTS_W
    return Case(
        seed=seed,
        short_w=math.exp(rng.uniform(math.log(low_w), math.log(high_w))),
        alarm_s=rng.choice((0.0, ALARM_LIMIT_S, rng.uniform(0.0, ALARM_LIMIT_S), rng.uniform(0.0, ALARM_LIMIT_S))),
        temperature_c=rng.uniform(-10.0, 40.0),
        charge_a=rng.choice((0.0, 0.3, 0.5, 1.0)) * CAPACITY_AH,
        lost=rng.choice((0.0, 0.01, 0.1, 0.3)),
        attentive=rng.random() < 0.5,
    )


class Record:
    """The wire's record of one case, from a calm minute before the short to the pack's own alarm."""

    def __init__(self, case: Case) -> None:
        self._case, self._rng = case, random.Random(f"line {case.seed}")
        self.pack = Pack(f"CATL-{case.seed:08d}", 40.0, temperature_c=case.temperature_c, ambient_c=case.temperature_c)
        self.pack.seed(case.seed)
        self.pack.contactor_closed, self.pack.current_a = case.charge_a > 0, case.charge_a
        self.short_s = self._rng.uniform(60.0, 120.0)
        self.ran_away_s = self.alarm_s = math.inf

    def __iter__(self) -> Iterator[Heard]:
        due = {"BSM": self._rng.uniform(0, _BSM_S), "BMV": self._rng.uniform(0, _BMV_S)}
        steps = 0
        while self.alarm_s == math.inf and steps * _STEP_S < _LONGEST_S:
            steps += 1
            at_s = steps * _STEP_S
            self._live(at_s)
            values: dict[str, object] = {}
            for name, period_s in (("BSM", _BSM_S), ("BMV", _BMV_S)):
                if at_s >= due[name]:
                    due[name] += period_s
                    values |= self._message(name)
            if values:
                yield _heard(at_s + self._rng.uniform(0.0, _LATE_S), values)

    def _live(self, at_s: float) -> None:
        pack, case = self.pack, self._case
        if at_s >= self.short_s and pack.runaway is None:
            pack.run_away(short_w=case.short_w, alarm_s=case.alarm_s, fire_s=600.0)
        if pack.soc_pct >= 95.0:
            pack.current_a = 0.0
        pack.advance(_STEP_S)
        if pack.runaway is not None and pack.runaway.phase >= Phase.RUN_AWAY:
            self.ran_away_s = min(self.ran_away_s, at_s)
        if pack.runaway is not None and pack.runaway.alarmed:
            self.alarm_s = at_s

    def _message(self, name: str) -> dict[str, object]:
        """What the driver reads out of the very bytes the BMS sends."""
        if self._rng.random() < self._case.lost or (name == "BMV" and not self._case.lists):
            return {}
        data = encode_voltages(self.pack) if name == "BMV" else ENCODERS[name](self.pack, 0)
        return {key: r.value for key, r in decode(name, data, 0.0).items() if r.quality is Quality.GOOD}


def _heard(at_s: float, values: dict[str, object]) -> Heard:
    cells_v = values.get("cell_voltages_v")
    low_v, mid_v = (min(cells_v), median(cells_v)) if isinstance(cells_v, tuple) else (math.nan, math.nan)
    return Heard(at_s, _number(values, "temperature_max_c"), _number(values, "temperature_min_c"), low_v, mid_v)


def _number(values: dict[str, object], name: str) -> float:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def watch(case: Case, limits: Limits) -> Outcome:
    """Whether and when the detector sees it by its own measurements: without smoke, without the pack's alarm."""
    record, detector = Record(case), Detector(limits.row())
    detected_s, found = None, 0
    for heard in record:
        verdict, causes, _ = detector.update(
            heard.at_s, heard.hot_c, heard.cold_c, heard.low_v, heard.mid_v, 0, 0, case.attentive
        )
        if verdict == EVENT and detected_s is None:
            detected_s, found = heard.at_s, causes
    if detected_s is not None and detected_s >= record.alarm_s:
        detected_s = None
    return Outcome(case, record.short_s, detected_s, record.ran_away_s, record.alarm_s, found)
