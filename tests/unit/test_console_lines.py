"""What a person reads on the console."""

from __future__ import annotations

import pytest

from drivers.errors import BadData
from drivers.mqtt_values import MqttMessage
from station_ctl.console.cli import USAGE_ERROR, main
from station_ctl.console.lines import Lines
from station_ctl.console.send import make_request
from station_ctl.uplink.message import Message, WrongSchema
from station_ctl.uplink.state_messages import InterlockPart
from station_ctl.uplink.topics import Topics
from tests.uplink_examples import BAY, EVENT, EXAMPLES, RECORD, STATE, VIN


def _line(lines: Lines, topic: str, message: Message) -> str | None:
    return lines.line(MqttMessage(f"swap/v1/st1/{topic}", message.json_bytes()))


def test_state_is_shown_with_step_reason_choices_and_first_out() -> None:
    tripped = InterlockPart(latched=True, first_out="ZONE_ENTERED")
    line = _line(Lines(Topics("st1")), "state", STATE.model_copy(update={"interlock": tripped})) or ""
    for part in ("Held", "position", "pack 1/2", "74 mm too far", "REPARK", "ZONE_ENTERED", "resume, back_out"):
        assert part in line


def test_snapshots_are_shown_when_they_change_and_events_always() -> None:
    lines = Lines(Topics("st1"))
    assert _line(lines, "state", STATE)
    assert _line(lines, "state", STATE.model_copy(update={"progress_pct": 99.0})) is None
    assert _line(lines, "state", STATE.model_copy(update={"step": "isolate"}))
    assert _line(lines, "bay/2", BAY)
    assert _line(lines, "bay/2", BAY.model_copy(update={"soc_pct": 97.0})) is None
    assert _line(lines, "bay/3", BAY)
    assert _line(lines, "event", EVENT)
    assert _line(lines, "event", EVENT)


def _bay(**changes: object) -> str:
    line = _line(Lines(Topics("st1")), "bay/2", BAY.model_copy(update=changes)) or ""
    return line.split("  ", 1)[1]


def test_a_bay_is_shown_with_its_charge_its_estimate_and_its_chargers_trouble() -> None:
    told = "CATL-00000017 96 % (estimated 95.1 %, 94.3 to 95.9 %, anchored), link MONITORED"
    flows = "charging 302 A, 179 kW, limited by grid, 88.4 kWh so far"
    assert _bay() == f"bay 2    stored, occupied true, {told}, {flows}"
    assert _bay(phase="tapering", limited_by="").endswith(", tapering 302 A, 179 kW, 88.4 kWh so far")
    assert "anchored, the BMS CANNOT BE RIGHT)" in _bay(bms_soc_wrong=True)
    starting = {
        "charging": "starting",
        "phase": "insulation_test",
        "charging_reason": "it measures",
        "charged_kwh": 0.0,
    }
    assert _bay(**starting).endswith("link MONITORED, insulation test: it measures")
    over = {"charging": "full", "phase": "", "charging_reason": "charge 96 %", "trouble": "it does not answer"}
    assert _bay(**over).endswith("not charging: charge 96 %, 88.4 kWh by the last charge, CHARGER: it does not answer")


@pytest.mark.parametrize(
    ("reason", "shown"), [("off", ""), (None, ""), ("unread: on its way", " (not estimated: unread: on its way)")]
)
def test_a_bay_without_an_estimate_says_why_where_there_is_an_estimator(reason: str | None, shown: str) -> None:
    none = dict.fromkeys(("soc_estimate_pct", "soc_p05_pct", "soc_p95_pct", "bms_soc_wrong", "charged_kwh"))
    assert f"CATL-00000017 96 %{shown}, link" in _bay(**none, soc_reason=reason)


def test_a_bay_is_shown_again_for_what_happens_and_not_for_figures_that_creep() -> None:
    lines = Lines(Topics("st1"))
    creeps = BAY.model_copy(update={"reason": "charge 57 %, promised 80 %"})
    assert _line(lines, "bay/2", creeps)
    for update in ({"reason": "charge 57.5 %, promised 80 %"}, {"charged_kwh": 90.0}, {"soc_estimate_pct": 96.0}):
        creeps = creeps.model_copy(update=update)
        assert _line(lines, "bay/2", creeps) is None
    for update in ({"phase": "tapering"}, {"limited_by": "bms"}, {"trouble": "x"}, {"bms_soc_wrong": True}):
        creeps = creeps.model_copy(update=update)
        assert _line(lines, "bay/2", creeps)


@pytest.mark.parametrize("topic", ["status", "truck", "alarm/pack.temperature:bay-3", "alarms", "swap"])
def test_every_watched_message_has_a_line(topic: str) -> None:
    line = _line(Lines(Topics("st1")), topic, EXAMPLES[topic])
    assert line is not None
    assert "\n" not in line


def test_record_names_both_packs() -> None:
    assert "CATL-00000001 -> CATL-00000017" in (_line(Lines(Topics("st1")), "swap", RECORD) or "")


def test_unreadable_is_an_error_and_foreign_is_nothing() -> None:
    lines = Lines(Topics("st1"))
    with pytest.raises(BadData):
        lines.line(MqttMessage("swap/v1/st1/state", b"{"))
    assert lines.line(MqttMessage("swap/v1/st1/other", b"{")) is None
    assert lines.line(MqttMessage("swap/v1/st1/state", b"")) is None


def test_a_request_is_checked_before_it_is_sent() -> None:
    request = make_request("authorise", {"vin": VIN, "packs": 2}, "Idle", "me", 600.0)
    assert (request.command.expires_at - request.command.issued_at).total_seconds() == 120.0
    assert request.command.expected_state == "Idle"
    with pytest.raises(WrongSchema, match=r"arguments\.vin"):
        make_request("authorise", {"vin": "short"}, None, "me", 5.0)
    with pytest.raises(WrongSchema, match=r"arguments\.packs"):
        make_request("hold", {"packs": 2}, None, "me", 5.0)


def test_a_motion_by_hand_is_sent_for_the_state_that_is_seen_and_lives_five_seconds() -> None:
    request = make_request("jog", {"dx_mm": 50}, "Stopped", "me", 600.0)
    assert (request.command.expires_at - request.command.issued_at).total_seconds() == 5.0
    assert request.command.expected_state == "Stopped"
    with pytest.raises(WrongSchema, match="expected_state"):
        make_request("jog", {"dx_mm": 50}, None, "me", 5.0)


def test_the_console_asks_for_the_state_before_it_sends_a_motion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["send", "jog", "--station", "st1", "--dx", "50"])
    assert ended.value.code == USAGE_ERROR
    assert "--expect Stopped or --expect Held" in capsys.readouterr().err
