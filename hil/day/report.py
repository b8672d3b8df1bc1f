"""What came of days, as lines and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hil.day.case import PROMISED_PCT
from hil.day.outcome import Outcome
from hil.day.peak import NEAR

BEGIN, END = "<!-- figures of make day -->", "<!-- end of figures -->"


def clock(at_s: float) -> str:
    """Time of the day."""
    tenths = round(at_s * 10)
    return f"{tenths // 36000:02d}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def told(outcome: Outcome) -> list[str]:
    """One day, for a person."""
    return [f"{name:22} {value}" for name, value in figures(outcome)]


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Days beside each other, in Markdown."""
    columns = [dict(figures(outcome)) for outcome in outcomes]
    names = list(columns[0])
    head = ["| | " + " | ".join(o.case.name for o in outcomes) + " |", "|---|" + "---|" * len(outcomes)]
    return head + [f"| {name} | " + " | ".join(column[name] for column in columns) + " |" for name in names]


def put(page: str, outcomes: Sequence[Outcome]) -> str:
    """The page with the table between its marks. Raises ValueError for a page without them."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no marks {BEGIN} and {END}")
    return "\n".join([head + BEGIN, *table(outcomes), END + tail])


def figures(o: Outcome) -> list[tuple[str, str]]:
    """Every figure of a day with its name."""
    return [*_grid(o), *_energy(o), *_trucks(o), *_packs(o), ("cost", f"{o.cpu_s:.0f} s of a core")]


def _grid(o: Outcome) -> Iterable[tuple[str, str]]:
    peak, worst, hours = o.peak, o.peak.worst, o.case.hours
    drew = sum(watts > 1000.0 for watts in worst.by_w.values())
    chargers_kw = (worst.grid_w - worst.auxiliary_w) / 1000.0
    yield "grid limit", f"{o.case.limit_kw:g} kW, {'with' if o.case.grid_meter else 'without'} a grid meter"
    yield "exceeded", f"in {peak.over_steps} of {peak.steps} steps, {peak.over_s:.1f} s"
    yield "worst instant", f"{worst.grid_w / 1000.0:.1f} kW at {clock(worst.at_s)}"
    yield "what drew then", f"{drew} chargers {chargers_kw:.1f} kW, all else {worst.auxiliary_w / 1000.0:.1f} kW"
    yield f"over {NEAR:.0%} of the limit", f"{peak.near_s / 3600.0:.1f} of {hours:g} h"


def _energy(o: Outcome) -> Iterable[tuple[str, str]]:
    a = o.accounts
    yield "from the grid", f"{a.grid / 1000.0:.1f} kWh; its meter {a.grid_meter_error:+.4%}"
    yield "by the bays' meters", f"{a.counted / 1000.0:.1f} kWh"
    yield "packs gained", f"{a.gained / 1000.0:.1f} kWh, and {a.heat / 1000.0:.1f} kWh of heat in them"
    yield "chargers lost", f"{a.losses / 1000.0:.1f} kWh"
    yield "all else", f"{a.auxiliary / 1000.0:.1f} kWh, coolant units {a.coolant / 1000.0:.1f} kWh"
    yield "meters against packs", f"{a.packs_error:+.4%}"
    yield "grid against all", f"{a.grid_error:+.4%}"
    yield "counted by charges", f"{o.metered_kwh:.1f} kWh in {o.charges}; not knowable: {o.unmetered}"


def _trucks(o: Outcome) -> Iterable[tuple[str, str]]:
    served, waits = o.served, sorted(o.served.waits_s)
    yield (
        "trucks",
        f"{served.arrived} came, {served.swaps} swapped, {o.waiting} still wait, {served.most_waiting} at most",
    )
    yield "a truck waited", _spread(waits)
    yield "... for packs", _spread(sorted(served.for_packs_s))


def _spread(waits_s: list[float]) -> str:
    if not waits_s:
        return "-"
    mean = sum(waits_s) / len(waits_s)
    nine_in_ten = waits_s[int(0.9 * (len(waits_s) - 1))]
    return f"mean {mean / 60.0:.0f}, 90 % {nine_in_ten / 60.0:.0f}, most {waits_s[-1] / 60.0:.0f} min"


def _packs(o: Outcome) -> Iterable[tuple[str, str]]:
    handed, worst = o.served.handed, o.worst
    least_told, least_true = (min((v for v in values), default=0.0) for values in _least(o))
    yield "packs handed out", f"{len(handed)}; under the promise of {PROMISED_PCT:g} %: {len(o.below)}"
    yield "the least of them", f"{least_told:g} % by its BMS, {least_true:.2f} % in truth"
    yield (
        "beyond pack limits",
        f"{worst.over_looks} looks; {worst.borne_looks} at a charger that disobeys",
    )
    yield "nearest to a limit", f"type {worst.type_share:.2%}, BMS {worst.bms_share:.2%} of the current"
    yield "highest cell", f"{worst.cell_v:.3f} V of 3.65 V"
    yield "charged between", f"{worst.coldest_c:.1f} and {worst.hottest_c:.1f} degC"
    yield "opened under current", f"{o.arcs} supply contactors"
    yield "charges ended by", ", ".join(f"{code} {count}" for code, count in o.ended.most_common()) or "-"


def _least(o: Outcome) -> tuple[list[float], list[float]]:
    return [h.told_pct for h in o.served.handed], [h.true_pct for h in o.served.handed]
