"""What makes a cause-and-effect table usable: every rule that its data has to keep, whatever motions it is about."""

from __future__ import annotations

from typing import Any

from station_ctl.kernel.interlock import LOWER_LIMITS, MAXIMA

MAX_CAUSES = 64
_UNITS = {"_ohm_per_v": "ohm/V", "_kwh": "kWh", "_kg": "kg", "_v": "V", "_a": "A", "_c": "degC"}
_AGES = (
    ("PLC", "plc_age_ms"),
    ("controller", "plc_age_ms"),
    ("truck CAN, TSC1 in travel", "truck_hold_age_ms"),
    ("truck CAN, TSC1", "truck_age_ms"),
    ("pack CAN, PMS", "pack_age_ms"),
    ("pack CAN, BRM", "pack_age_ms"),
    ("pack CAN, BCL", "charge_demand_age_ms"),
    ("pack CAN, BCS", "pack_slow_age_ms"),
    ("pack CAN, BSM", "pack_slow_age_ms"),
)
"""How `source` begins -> the age limit that goes with it: no input can be given the limit of a slower one."""
_INPUT: dict[str, type | tuple[type, ...]] = {"kind": str, "age": str, "source": str}
_CAUSE: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "input": str,
    "withholds": list,
    "stop": int,
    "at_rest": bool,
    "blocks_reset": bool,
    "start_only": bool,
    "hazard": str,
    "remedy": str,
}
_CONDITION: dict[str, type | tuple[type, ...]] = {
    "safe_when": bool,
    "at_most": bool,
    "at_least": bool,
    "limit": str,
    "hysteresis": (int, float),
}
_HAZARD: dict[str, type | tuple[type, ...]] = {"causes": list, "elsewhere": str}


class Refused(Exception):
    """A row that breaks a rule."""

    def __init__(self, row: str, what: str) -> None:
        super().__init__(f"{row}: {what}")
        self.row, self.what = row, what


def unit(name: str) -> str:
    """Symbol of the unit that a name ends in, '' if it ends in none."""
    return next((symbol for suffix, symbol in _UNITS.items() if name.endswith(suffix)), "")


def check(document: dict[str, Any], classes: frozenset[str], slots: tuple[int, int]) -> None:
    """Raises Refused for the first rule that is broken.

    classes: names of the motion classes. slots: room for discrete and analogue inputs.
    """
    if strange := sorted(set(document) - {"inputs", "causes", "hazards"}):
        raise Refused(strange[0], "is no part of a table")
    inputs, causes, hazards = (document.get(part) for part in ("inputs", "causes", "hazards"))
    if not isinstance(inputs, dict) or not isinstance(causes, list) or not isinstance(hazards, list):
        raise Refused("the file", "needs [inputs], [[causes]] and [[hazards]]")
    _check_inputs(inputs, slots)
    for row in causes:
        _check_cause(row, inputs, classes)
    if not 0 < len(causes) <= MAX_CAUSES:
        raise Refused("causes", f"are {len(causes)}, there have to be 1 to {MAX_CAUSES}")
    names = [row["name"] for row in causes]
    _once(names)
    watched = {row["input"] for row in causes}
    for name in inputs:
        if name not in watched:
            raise Refused(name, "is an input without a cause")
    withheld = {name for row in causes for name in row["withholds"]}
    for name in sorted(classes - withheld):
        raise Refused(name, "is an effect without a cause: nothing withholds this class of motion")
    _check_hazards(hazards, names)


def _once(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise Refused(name, "stands more than once")


def _fields(
    name: str,
    row: object,
    needed: dict[str, type | tuple[type, ...]],
    more: dict[str, type | tuple[type, ...]],
) -> None:
    """A table of exactly these fields, each of its type and none of them empty."""
    if not isinstance(row, dict):
        raise Refused(name, "is no table of fields")
    if missing := sorted(set(needed) - set(row)):
        raise Refused(name, f"misses {', '.join(missing)}")
    known = needed | more
    if unknown := sorted(set(row) - set(known)):
        raise Refused(name, f"has unknown fields {', '.join(unknown)}")
    for field, value in row.items():
        if not isinstance(value, known[field]) or (isinstance(value, bool) and known[field] is not bool):
            raise Refused(name, f"{field} is {value!r}, which is of the wrong type")
        if field != "withholds" and value in ("", []):
            raise Refused(name, f"{field} is empty")


def _check_inputs(rows: dict[str, Any], slots: tuple[int, int]) -> None:
    for name, row in rows.items():
        _fields(name, row, _INPUT, {})
        if row["kind"] not in ("discrete", "analogue"):
            raise Refused(name, f"kind is {row['kind']!r}, known are discrete and analogue")
        if row["age"] not in MAXIMA or not row["age"].endswith("_age_ms"):
            raise Refused(name, f"age names {row['age']!r}, which is no compiled-in limit of an age")
        fitting = next((age for begin, age in _AGES if row["source"].startswith(begin)), None)
        if row["age"] != fitting:
            raise Refused(
                name, f"age is {row['age']}, its source has {fitting or 'none: say which device measures it'}"
            )
        if row["kind"] == "analogue" and not unit(name):
            raise Refused(name, f"does not end in a unit: {', '.join(_UNITS)}")
    for kind, room in zip(("discrete", "analogue"), slots, strict=True):
        if sum(row["kind"] == kind for row in rows.values()) > room:
            raise Refused("inputs", f"of kind {kind} are more than the {room} that a block has room for")


def _check_cause(row: Any, inputs: dict[str, Any], classes: frozenset[str]) -> None:
    name = str(row.get("name", "a cause without a name")) if isinstance(row, dict) else "a cause"
    _fields(name, row, _CAUSE, _CONDITION)
    if row["input"] not in inputs:
        raise Refused(name, f"watches {row['input']!r}, which is no input")
    effects = row["withholds"]
    if not effects or not all(isinstance(effect, str) and effect in classes for effect in effects):
        raise Refused(name, "has no effect, or one that is no motion class")
    if row["stop"] not in (0, 1, 2) or (row["start_only"] and (row["stop"] or row["at_rest"])):
        raise Refused(name, "stop is 0, 1 or 2, and a cause checked only at the start cannot trip")
    if inputs[row["input"]]["kind"] == "discrete":
        if set(row) & set(_CONDITION) != {"safe_when"}:
            raise Refused(name, "watches a discrete input: needs safe_when, and no limit or hysteresis")
    else:
        _check_limit(name, row)


def _check_limit(name: str, row: dict[str, Any]) -> None:
    given = set(row) & set(_CONDITION)
    side = "at_least" if row.get("limit") in LOWER_LIMITS else "at_most"
    if given != {side, "limit", "hysteresis"} or not row[side]:
        raise Refused(name, f"watches an analogue input: needs {side} = true, limit and hysteresis, and no safe_when")
    limit = row["limit"]
    if limit not in MAXIMA or unit(limit) != unit(row["input"]):
        raise Refused(name, f"limit {limit!r} is no compiled-in limit in {unit(row['input'])}")
    widest = MAXIMA[limit][side == "at_least"]  # so that there is a way back inside at every limit that can be set
    if not 0 < row["hysteresis"] < widest:
        raise Refused(name, f"hysteresis is {row['hysteresis']}, it has to be over 0 and under {widest:g}")


def _check_hazards(rows: list[Any], causes: list[str]) -> None:
    for row in rows:
        name = str(row.get("hazard", "a hazard without a name")) if isinstance(row, dict) else "a hazard"
        _fields(name, row, {"hazard": str}, _HAZARD)
        if not {"causes", "elsewhere"} & set(row):
            raise Refused(name, "has neither a cause nor a place where it is answered")
        for cause in row.get("causes", ()):
            if cause not in causes:
                raise Refused(name, f"names {cause!r}, which is no cause")
    _once([row["hazard"] for row in rows])
    named = {cause for row in rows for cause in row.get("causes", ())}
    for cause in causes:
        if cause not in named:
            raise Refused(cause, "answers no hazard")
