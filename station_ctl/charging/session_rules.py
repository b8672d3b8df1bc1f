"""What each phase of a charge waits for, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drivers.charger_status import ChargerState, ChargerStop
from drivers.reading import Signal
from station_ctl.charging.phases import PHASES
from station_ctl.charging.session_values import End, SessionLook, SessionMind

HANDSHAKE_S = 15.0
TEST_S = 30.0
CLOSE_S = 10.0
WARM_S = 7200.0
OBEYS_S = 10.0
"""So long the charger may take to stand by, to test, to close, to warm a pack, to begin to warm at all."""
DROPPED_S = 1.0
"""A charger that is asked for current and does not charge for so long has ended by itself."""
RAMP_S = 2.0
NO_CURRENT_A = 5.0
"""The supply opens when less flows, or after RAMP_S; a charger ramps 400 A down in that time."""
AT_VOLTAGE, BELOW_VOLTAGE = 0.995, 0.985
"""Shares of the voltage limit between which tapering begins and ends."""
ENDED_BY_WORD = (ChargerStop.NONE, ChargerStop.COMMAND)
"""A charger that has ended by itself wants OFF before all else, and its last insulation test forgotten."""
EVEN = 0.7
"""Balancing ends when the cells differ by no more than this share of `charging.balance_spread_mv`."""

Found = str | End
"""A trigger, '' to stay, or the end."""


def _late(mind: SessionMind, look: SessionLook, within_s: float) -> End | None:
    """The end of a phase that has lasted too long."""
    if look.now_s - mind.since_s <= within_s:
        return None
    shown = look.status.state if look.status is not None else None
    said = f"it shows {shown.name.lower()}" if shown is not None else "its state is not known"
    return _failed(f"not done within {within_s:g} s: {PHASES[mind.phase]} ({said})")


def _failed(reason: str) -> End:
    return End("charger_failed", reason, failed=True)


def _handshake(mind: SessionMind, look: SessionLook) -> Found:
    status = look.status
    stands_by = status is not None and status.state in (ChargerState.OFF, ChargerState.STANDBY)
    if look.finish is not None:
        return look.finish
    fresh = status is not None and status.insulation_tested is not Signal.TRUE and status.stop_reason in ENDED_BY_WORD
    if status is not None and stands_by and fresh and status.relay_closed is Signal.FALSE:
        return ("cold" if look.cold else "answered") if look.room else ""
    return _late(mind, look, HANDSHAKE_S) or ""


def _warming(mind: SessionMind, look: SessionLook) -> Found:
    warms = look.status is not None and look.status.state is ChargerState.CONDITIONING
    if look.finish is not None:
        return look.finish
    if not look.cold:
        return "warm"
    if not warms and mind.dropped_s is None:
        mind.dropped_s = look.now_s
    elif warms:
        mind.dropped_s = None
    elif mind.dropped_s is not None and look.now_s - mind.dropped_s > OBEYS_S:
        return _failed("the charger does not warm the pack")
    return _late(mind, look, WARM_S) or ""


def _insulation_test(mind: SessionMind, look: SessionLook) -> Found:
    status = look.status
    if look.finish is not None:
        return look.finish
    tested = status is not None and status.insulation_tested is Signal.TRUE and status.insulation_ohm_per_v is not None
    if status is not None and tested and status.state is ChargerState.STANDBY:
        return "insulated"
    return _late(mind, look, TEST_S) or ""


def _closing(mind: SessionMind, look: SessionLook) -> Found:
    status = look.status
    if look.finish is not None:
        return look.finish
    closed = status is not None and status.relay_closed is Signal.TRUE and status.state is ChargerState.CHARGING
    return "closed" if closed and look.closed else _late(mind, look, CLOSE_S) or ""


def _dropped(mind: SessionMind, look: SessionLook) -> End | None:
    """The charger does not charge although it is asked to."""
    status = look.status
    if status is None or status.state is ChargerState.CHARGING:
        mind.dropped_s = None if status is not None else mind.dropped_s
        return None  # silence is for the interlock
    if mind.dropped_s is None:
        mind.dropped_s = look.now_s
    if look.now_s - mind.dropped_s <= DROPPED_S:
        return None
    why = status.stop_reason.name.lower().replace("_", " ") if status.stop_reason is not None else "not known"
    return _failed(f"the charger has ended by itself: {why}")


def _charging(mind: SessionMind, look: SessionLook) -> Found:
    if end := _dropped(mind, look) or look.finish:
        return end
    return "at_voltage" if _share_of_limit(look) >= AT_VOLTAGE else ""


def _tapering(mind: SessionMind, look: SessionLook) -> Found:
    if end := _dropped(mind, look):
        return end
    if look.finish is not None and look.finish.code == "full" and _uneven(mind, look):
        mind.balanced, mind.code, mind.reason = True, look.finish.code, look.finish.reason
        return "uneven"
    if look.finish is not None:
        return look.finish
    return "below_voltage" if _share_of_limit(look) < BELOW_VOLTAGE else ""


def _balancing(mind: SessionMind, look: SessionLook) -> Found:
    if end := _dropped(mind, look):
        return end
    if look.finish is not None and look.finish.code != "full":
        return look.finish
    even = look.spread_mv is None or look.spread_mv <= EVEN * look.uneven_mv
    over = look.now_s - mind.since_s >= look.balance_s
    return End(mind.code, mind.reason) if even or over else ""


def _ramping_down(mind: SessionMind, look: SessionLook) -> Found:
    gone = look.current_a is not None and abs(look.current_a) < NO_CURRENT_A
    return End(mind.code, mind.reason) if gone or look.now_s - mind.since_s >= RAMP_S else ""


def _share_of_limit(look: SessionLook) -> float:
    return look.pack_v / look.limit_v if look.pack_v is not None and look.limit_v > 0.0 else 0.0


def _uneven(mind: SessionMind, look: SessionLook) -> bool:
    known = look.spread_mv is not None and look.spread_mv > look.uneven_mv
    return known and look.balance_s > 0.0 and not mind.balanced


RULES: Mapping[str, Callable[[SessionMind, SessionLook], Found]] = {
    "handshake": _handshake,
    "warming": _warming,
    "insulation_test": _insulation_test,
    "closing": _closing,
    "charging": _charging,
    "tapering": _tapering,
    "balancing": _balancing,
    "ramping_down": _ramping_down,
}
"""What each phase waits for: the trigger that leads on, or how the charge ends."""
