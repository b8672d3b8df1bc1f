"""The one line that says what stopped the robot: told once, with the time since when it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drivers.robot_protocol import MotionClass
from station_ctl.console.why import why_line
from station_ctl.model.look import Decision
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML, Reason
from station_ctl.stopped import Stopped, stopped_by
from station_ctl.uplink.state_messages import StoppedPart
from tests.uplink_examples import STATE

T0 = datetime(2026, 1, 1, tzinfo=UTC)
CALM = Decision(MotionClass(255), False, 0, None, {})
TRIPPED = Decision(MotionClass(0), True, 1, "door_open", {}, "door_open: doors_closed is false (1 ms old); close it")
RUNS = StationState(PackML.EXECUTE)
HELD = StationState(PackML.HELD, reason=Reason("not_permitted", "load_kg is 4000 kg"))


def test_the_interlock_s_own_line_comes_before_the_state_s_reason() -> None:
    assert stopped_by(HELD, TRIPPED) == TRIPPED.tripped
    assert stopped_by(HELD, CALM) == "not_permitted: load_kg is 4000 kg"
    assert stopped_by(RUNS, CALM) == stopped_by(None, None) == ""


def test_each_condition_is_told_once_and_its_time_is_that_of_its_first_cycle() -> None:
    stopped, told = Stopped(), []
    story = [
        (RUNS, CALM),
        (StationState(PackML.ABORTING, reason=Reason("interlock", "door_open: ...")), TRIPPED),
        (StationState(PackML.ABORTED, reason=Reason("interlock", "door_open: ...")), TRIPPED),
        (StationState(PackML.CLEARING), TRIPPED),
        (StationState(PackML.STOPPED), CALM),
        (replace(HELD, packml=PackML.HOLDING), CALM),
        (HELD, CALM),
    ]
    since = []
    for second, (state, decision) in enumerate(story):
        told.append(stopped.look(state, decision, T0 + timedelta(seconds=second)))
        since.append(stopped.since)
    assert [bool(line) for line in told] == [False, True, False, False, False, True, False]
    assert since[1] == since[3] == T0 + timedelta(seconds=1)
    assert since[4] is None and since[6] == T0 + timedelta(seconds=5)


def test_what_a_start_finds_is_shown_and_not_told_again() -> None:
    stopped = Stopped()
    boot = replace(CALM, latched=True)
    assert stopped.look(StationState(reason=Reason("restarted", "look first")), boot, T0) == ""
    assert (stopped.by, stopped.since) == ("restarted: look first", T0)


@pytest.mark.parametrize("latched", [True, False])
def test_the_console_s_line_holds_all_of_it(latched: bool) -> None:
    part = StoppedPart(by="door_open: doors_closed is false (1 ms old); close it", since=T0)
    interlock = STATE.interlock.model_copy(update={"latched": latched, "first_out": "door_open"})
    message = STATE.model_copy(update={"stopped": part, "interlock": interlock, "choices": ("clear",)})
    line = why_line(message)
    assert line.startswith(f"{STATE.packml}, step {STATE.step}, since ") and line.endswith("[you may send: clear]")
    assert ("first-out door_open" in line) == latched and "close it" in line
    assert "nothing stops the robot" in why_line(STATE.model_copy(update={"stopped": None}))
