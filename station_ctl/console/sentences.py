"""How one message reads to a person."""

from __future__ import annotations

from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmPart, AlarmsMessage
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.record_messages import EventMessage, SwapRecord
from station_ctl.uplink.state_messages import RecoveryMessage, StateMessage, StatusMessage, WherePart


def status_line(message: StatusMessage) -> str:
    """Is the station there."""
    return f"status   {'online' if message.online else 'OFFLINE'}, version {message.version}, boot {message.boot_id}"


def state_line(message: StateMessage) -> str:
    """State, step, why it waits, what the interlock says, what a person may do."""
    parts = [f"state    {message.packml} ({message.mode}), step {message.step}"]
    if message.exchanges:
        parts.append(f"pack {message.exchange}/{message.exchanges}")
    if message.reason is not None:
        parts.append(f"waits: {message.reason.text} [{message.reason.code}]")
    if message.interlock.latched:
        parts.append(f"INTERLOCK first-out {message.interlock.first_out or 'unknown'}")
    if message.evacuation is not None:
        e = message.evacuation
        parts.append(f"EVACUATION of {e.serial or 'a pack'} from {e.source} to isolation bay {e.isolation}")
    parts += [f"THERMAL EVENT {t.place} ({t.why}): {t.station}; {t.person}" for t in message.thermal]
    if message.choices:
        parts.append(f"you may: {', '.join(message.choices)}")
    return ", ".join(parts)


def recovery_line(message: RecoveryMessage) -> str:
    """How the journal fits the plant, what was under way, what a person may do, what is where."""
    if message.kind == "running":
        return "recovery the station works"
    parts = [f"recovery {message.kind.upper()}: {message.under_way}"]
    parts += [f"CONTRADICTION {text}" for text in message.contradictions]
    parts += [f"not read yet: {message.unread}"] if message.unread else []
    parts += [f"you may: {message.choices}"]
    return "; ".join([*parts, ", ".join(_where(w) for w in message.where if w.says != "empty")])


def _where(part: WherePart) -> str:
    held = {"named": part.serial or "", "silent": "a pack that does not say who it is", "unknown": "not known"}
    journal = f" (journal: {part.by_journal})" if part.by_journal else ""
    return f"{part.place}: {held.get(part.says, 'empty')}{journal}"


def bay_line(message: BayMessage) -> str:
    """What is in a bay, how charged its pack is and how it charges, what is wrong with its charger."""
    pack = f"{message.serial} {_number(message.soc_pct, ' %')}" if message.serial else "no pack known"
    reason = f", {message.reason}" if message.reason else ""
    here = f"bay {message.bay:<4} {message.state}, occupied {message.occupied}, {pack}{_estimate(message)}"
    trouble = f", CHARGER: {message.trouble}" if message.trouble else ""
    return f"{here}, link {message.link}{reason}{_charging(message)}{_charged(message)}{trouble}"


def _estimate(message: BayMessage) -> str:
    """The charge as it is estimated, with its interval and what it rests on; why there is none."""
    wrong = ", the BMS CANNOT BE RIGHT" if message.bms_soc_wrong else ""
    if message.soc_estimate_pct is not None:
        interval = f"{_number(message.soc_p05_pct, '', 1)} to {_number(message.soc_p95_pct, ' %', 1)}"
        said = f"estimated {message.soc_estimate_pct:.1f} %, {interval}, {message.soc_reason or 'unknown'}"
        return f" ({said}{wrong})"
    if message.soc_reason in (None, "off"):
        return ""
    return f" (not estimated: {message.soc_reason})"


def _charging(message: BayMessage) -> str:
    """How it charges, or why not."""
    if message.charging == "charging":
        flows = f"{_number(message.current_a, ' A')}, {_number(message.power_kw, ' kW')}"
        by = f", limited by {message.limited_by}" if message.limited_by else ""
        return f", {_phase(message) or 'charging'} {flows}{by}"
    if message.phase:
        return f", {_phase(message)}: {message.charging_reason or message.charging}"
    return f", not charging: {message.charging_reason}" if message.charging_reason else ""


def _phase(message: BayMessage) -> str:
    return message.phase.replace("_", " ")


def _charged(message: BayMessage) -> str:
    """What the charge under way has brought, or the last one."""
    if message.charged_kwh is None or abs(message.charged_kwh) < 0.05:
        return ""
    return f", {message.charged_kwh:.1f} kWh {'so far' if message.phase else 'by the last charge'}"


def truck_line(message: TruckMessage) -> str:
    """Who is in the lane and how it stands."""
    mounts = "; ".join(f"mount {m.mount}: {m.serial or '-'} locked {m.locked}" for m in message.mounts)
    return (
        f"truck    {message.vin or 'no truck known'}, present {message.present}, in position {message.in_position}"
        f" (x {_number(message.x_error_mm, ' mm')}, y {_number(message.y_error_mm, ' mm')}), {mounts}"
    )


def event_line(message: EventMessage) -> str:
    """What happened."""
    return f"event    {message.severity}: {message.text} [{message.code}]"


def alarm_line(message: AlarmMessage) -> str:
    """What became of an alarm, by whom, and what to do while it is active."""
    by = "" if message.by == "station" else f" by {message.by}"
    remedy = f"; {message.remedy}" if message.active else ""
    first = " FIRST-OUT" if message.first_out else ""
    return (
        f"alarm    {message.trigger}{by}: {message.priority} {message.state}{first} [{message.id}] "
        f"{alarm_text(message)}{remedy}"
    )


def alarm_text(alarm: AlarmPart) -> str:
    """What is wrong, with value and limit where something is measured."""
    if alarm.value is None or alarm.limit is None:
        return alarm.text
    unit = f" {alarm.unit}" if alarm.unit else ""
    return f"{alarm.text}: {alarm.value:g}{unit}, limit {alarm.limit:g}{unit}"


def alarms_line(message: AlarmsMessage) -> str:
    """How many alarms there are, and whether they are too many."""
    flood = f", FLOOD, the first was {message.first_out}" if message.flood else ""
    figures = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in message.figures.items() if n)
    return f"alarms   {figures or 'none'}{flood}"


def swap_line(message: SwapRecord) -> str:
    """What was swapped."""
    packs = "; ".join(f"mount {e.mount}: {e.serial_out} -> {e.serial_in}" for e in message.exchanges)
    return f"swap     {message.outcome}: {message.vin} in {message.duration_s:.0f} s, {packs}"


def _number(value: float | None, unit: str, places: int = 0) -> str:
    return "?" if value is None else f"{value:.{places}f}{unit}"
