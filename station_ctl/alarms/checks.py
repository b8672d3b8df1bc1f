"""What the entries of an alarm catalogue have to do with each other; what does not hold is refused."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import StationError
from station_ctl.alarms.entry import Alarm, Catalogue
from station_ctl.model.words import Mode, PackML

FILE = "alarms/catalogue.toml"
SAFETY_SHELVED_MAX_MIN = 60
"""A safety alarm is never shelved for longer, whatever the file says."""


class CatalogueError(StationError):
    """The alarm catalogue is not usable; the service does not start. Names file, entry and field."""


def refused(where: str, what: str, value: object = None, limit: object = None) -> CatalogueError:
    remedy = "mend the catalogue; nothing was started"
    return CatalogueError(what, where=f"{FILE}, {where}", value=value, limit=limit, remedy=remedy)


def check(catalogue: Catalogue) -> None:
    """All of it. Raises CatalogueError for the first thing that does not hold."""
    for entry in catalogue.alarms.values():
        _check_entry(entry, catalogue.alarms)
    _check_references(catalogue)


def _check_entry(entry: Alarm, found: Mapping[str, Alarm]) -> None:
    """What one field has to do with another."""
    if entry.alarm_class == "safety" and entry.shelvable_min > SAFETY_SHELVED_MAX_MIN:
        raise refused(entry.code, "shelvable_min of a safety alarm", entry.shelvable_min, SAFETY_SHELVED_MAX_MIN)
    if entry.latched and entry.clears == "itself":
        raise refused(entry.code, "clears: a latched alarm is cleared by the operator or by service")
    if entry.clears == "service" and not entry.latched:
        raise refused(entry.code, "clears: only a latched alarm stays until service has cleared it")
    if entry.deadband is not None and not entry.unit:
        raise refused(entry.code, "deadband has no unit")
    if entry.budget_ms <= entry.on_delay_ms:
        raise refused(entry.code, "budget_ms is not longer than on_delay_ms", entry.budget_ms)
    for name in entry.suppressed_in:
        if name not in {*PackML, *Mode}:
            raise refused(entry.code, "suppressed_in names no PackML state and no mode", name)
    for code in entry.suppressed_by:
        _check_suppressor(entry, code, found)


def _check_suppressor(entry: Alarm, code: str, found: Mapping[str, Alarm]) -> None:
    if code not in found:
        raise refused(entry.code, "suppressed_by names no alarm", code)
    other = found[code]
    if code == entry.code or entry.code in _behind(other, found):
        raise refused(entry.code, "suppressed_by goes round in a circle", code)
    if other.per not in ("station", "bus", entry.per) and {entry.per, other.per} != {"pack", "bay"}:
        raise refused(entry.code, f"suppressed_by: which {other.per}?", code)
    if entry.off_delay_ms <= other.on_delay_ms:
        raise refused(entry.code, "off_delay_ms: it would clear before it is suppressed by", code, other.on_delay_ms)


def _behind(entry: Alarm, found: Mapping[str, Alarm]) -> set[str]:
    """Codes of all that suppress an entry, directly or through others."""
    codes, ahead = set[str](), [*entry.suppressed_by]
    while ahead:
        code = ahead.pop()
        if code not in codes and code in found:
            codes.add(code)
            ahead += found[code].suppressed_by
    return codes


def _check_references(catalogue: Catalogue) -> None:
    for cause, code in catalogue.covered.items():
        if code not in catalogue.alarms:
            raise refused(f"interlock.covered.{cause}", "names no alarm", code)
    for name, texts in catalogue.reasons.items():
        told = (texts.cause, texts.consequence, texts.remedy)
        if any(told) == bool(texts.none) or (any(told) and not all(told)):
            raise refused(f"reasons.{name}", "needs cause, consequence and remedy, or `none`")
        if texts.alarm and texts.alarm not in catalogue.alarms:
            raise refused(f"reasons.{name}", "alarm names no alarm", texts.alarm)
