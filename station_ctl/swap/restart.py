"""What of the station's state outlives a restart, and how a start begins from it. Pure."""

from __future__ import annotations

from dataclasses import replace

from drivers.robot_protocol import EchoState
from station_ctl.model.motion import LastMotion
from station_ctl.model.state import StationState
from station_ctl.model.visit import Parking
from station_ctl.model.words import PackML, Reason
from station_ctl.swap.noticed import HANDLES

_BROKEN_OFF = (EchoState.STOPPED, EchoState.FAILED)


def stable(state: StationState) -> StationState:
    """The part of the state that outlives a restart: no times, no reasons, nothing pending.

    Of the last motion: a lift or placement that was broken off, as the PLC's echo forgets it with the next order.
    """
    return replace(
        state,
        reason=None,
        manual=None,
        pending=None,
        last=_half_done(state),
        motions_seen=None,
        step_since_s=0.0,
        state_since_s=0.0,
        refused_since_s=None,
        done_since_s=None,
        parking=Parking(),
        charging={},
        shutting_down=False,
        visited=True,  # a controller that was off has seen nobody come or go
        let_go=False,
        bare_since_s={},
    )


def _half_done(state: StationState) -> LastMotion | None:
    """The lift or placement that is half done; None while it is under way: the PLC's echo tells of that one."""
    last = state.last
    if last is None or last.command.opcode not in HANDLES or last.ended is EchoState.DONE:
        return None
    return last if last.ended in _BROKEN_OFF or last.command != state.given else None


def recovered(state: StationState | None) -> StationState:
    """The state to start in: always Aborted until a person confirms, with what was open still open."""
    if state is None:
        return StationState(reason=Reason("first_start", "first start: a person has to clear before anything moves"))
    return replace(
        stable(state),
        packml=PackML.ABORTED,
        authorisation=state.authorisation if state.swap else None,  # how old an unused one is, is no longer known
        reason=Reason("restarted", _what_was_open(state)),
    )


def _what_was_open(state: StationState) -> str:
    swap, evacuation = state.swap, state.evacuation
    hot = ""
    if evacuation is not None:
        pack = f"pack {evacuation.serial or 'of unknown serial'} of {evacuation.source}"
        hot = f" An evacuation of {pack} to isolation bay {evacuation.isolation} is open ({evacuation.why})."
    if swap is None:
        where = f" in step {state.step}" if evacuation else ""
        return f"controller restarted{where}; no swap was open.{hot} A person has to clear before anything moves"
    done = ", ".join(f"mount {n}" for n in swap.installed) or "none"
    under_way = f"mount {swap.exchange.mount}: {swap.exchange.serial_out} out, {swap.exchange.serial_in} in"
    return (
        f"controller restarted in step {state.step} of swap {swap.id} ({under_way}; done: {done}).{hot} "
        "A person has to clear before anything moves"
    )
