"""Alarms as they are said over MQTT (ISA-18.2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from station_ctl.uplink.message import Message, Part, Utc

AlarmId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class AlarmPart(Part):
    """One alarm as it stands (ISA-18.2). `cause`, `consequence` and `remedy` are for the person who has to respond.

    id: the code, and `:bay-3` where there are many. active: its condition stands, or is latched, and it is neither
    shelved, suppressed nor out of service. value, limit: in `unit`, where something is measured. reaction: what the
    station does by itself. first_out: it tripped first.
    """

    id: AlarmId
    code: str
    priority: Literal["high", "medium", "low"]
    alarm_class: Literal["safety", "process", "equipment", "communication"]
    state: Literal[
        "normal",
        "unacknowledged",
        "acknowledged",
        "returned",
        "latched",
        "shelved",
        "suppressed",
        "out_of_service",
    ]
    active: bool
    first_out: bool
    text: str
    value: float | None
    limit: float | None
    unit: str
    cause: str
    consequence: str
    remedy: str
    reaction: str
    raised_at: Utc | None
    cleared_at: Utc | None
    acked_at: Utc | None
    acked_by: str | None
    shelved_until: Utc | None
    shelved_by: str | None
    suppressed_by: str | None
    out_of_service_by: str | None


class AlarmMessage(AlarmPart, Message):
    """`alarm/<id>`: an alarm has changed. trigger: by what; by: by whom, `station` if by nobody."""

    trigger: str
    by: str


class AlarmsMessage(Message):
    """`alarms`, retained: every alarm that is not plainly normal, active ones first, high priority first.

    flood: more than ten were announced in ten minutes; first_out: the alarm the flood began with; collected: low ones
    that are told one by one only when it is over. figures: counts, as in `metrics`.
    """

    alarms: tuple[AlarmPart, ...]
    flood: bool
    first_out: AlarmId | None
    collected: tuple[str, ...]
    figures: dict[str, int]
