"""Alarms as messages: their record, and what the catalogue says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from station_ctl.alarms.entry import Catalogue
from station_ctl.alarms.flood import Flood
from station_ctl.alarms.places import Instance
from station_ctl.alarms.record import Record, State, Transition
from station_ctl.uplink import alarm_parts

_ACTIVE = (State.UNACKNOWLEDGED, State.ACKNOWLEDGED, State.LATCHED)
_PRIORITIES = ("high", "medium", "low")


def active(record: Record) -> bool:
    """Whether somebody should look at it: it stands, or is latched, and nothing covers it."""
    return record.state in _ACTIVE


def changed(
    transition: Transition, instances: Mapping[str, Instance], catalogue: Catalogue
) -> alarm_parts.AlarmMessage:
    """`alarm/<id>`: one transition."""
    record = transition.record
    fields = _fields(record, instances[record.id], catalogue)
    return alarm_parts.AlarmMessage(trigger=str(transition.trigger), by=transition.by, **fields)


def listed(
    records: Iterable[Record],
    instances: Mapping[str, Instance],
    catalogue: Catalogue,
    flood: Flood,
    figures: Mapping[str, int],
) -> alarm_parts.AlarmsMessage:
    """`alarms`: all of them, active first, high first, then in the order they came."""
    shown = [record for record in records if record.state is not State.NORMAL]
    order = {r.id: (not active(r), _PRIORITIES.index(instances[r.id].entry.priority)) for r in shown}
    shown.sort(key=lambda record: order[record.id])
    parts = tuple(alarm_parts.AlarmPart(**_fields(r, instances[r.id], catalogue)) for r in shown)
    return alarm_parts.AlarmsMessage(
        alarms=parts,
        flood=flood.active,
        first_out=flood.first_out or None,
        collected=tuple(flood.collected),
        figures=dict(figures),
    )


def _fields(record: Record, instance: Instance, catalogue: Catalogue) -> dict[str, Any]:
    entry = instance.entry
    texts = catalogue.reasons.get(record.reason)
    told = texts if texts and texts.cause else entry
    return {
        "id": record.id,
        "code": entry.code,
        "priority": entry.priority,
        "alarm_class": entry.alarm_class,
        "state": record.state.value,
        "active": active(record),
        "first_out": record.first_out,
        "text": _text(record, instance),
        "value": record.value,
        "limit": record.limit,
        "unit": entry.unit,
        "cause": told.cause,
        "consequence": told.consequence,
        "remedy": told.remedy,
        "reaction": entry.reaction,
        "raised_at": _moment(record.raised_at),
        "cleared_at": _moment(record.cleared_at),
        "acked_at": _moment(record.acked_at),
        "acked_by": record.acked_by,
        "shelved_until": _moment(record.shelved_until),
        "shelved_by": record.shelved_by if record.shelved_until else None,
        "suppressed_by": record.suppressed_by or None,
        "out_of_service_by": record.retired_by,
    }


def _text(record: Record, instance: Instance) -> str:
    """What was measured if that says it all (a sentence), else the catalogue's words; and where."""
    text = record.text or instance.entry.text
    return f"{text} ({instance.place.replace('-', ' ')})" if instance.place else text


def _moment(label: str | None) -> datetime | None:
    return datetime.fromisoformat(label) if label else None
