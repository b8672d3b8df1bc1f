"""Alarms through the production cycle: no nuisance, commands and their answers, floods, a journal that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.reading import Signal
from station_ctl.alarms.record import State, Transition
from station_ctl.model.places import bay
from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmsMessage
from station_ctl.uplink.record_messages import EventMessage
from station_ctl.uplink.roles import Role, Roles
from tests.simulation.ground import Ground
from tests.simulation.test_alarm_response import decided, pack_in, quarantine
from tests.simulation.test_swap import swapping
from tests.support import run


def said(ground: Ground, identifier: str = "") -> list[AlarmMessage]:
    return [m for m in ground.uplink.said if isinstance(m, AlarmMessage) and (not identifier or m.id == identifier)]


def listed(ground: Ground) -> AlarmsMessage:
    return next(m for m in reversed(ground.uplink.states) if isinstance(m, AlarmsMessage))


def journalled(ground: Ground) -> list[Transition]:
    return [t for entry in ground.journal.entries for t in entry.alarms]


def state(ground: Ground, identifier: str) -> State:
    return ground.runner._alarms._life.record(identifier).state


async def cycles(ground: Ground, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        await ground.cycle()


def test_a_good_swap_raises_no_alarm() -> None:
    async def main() -> None:
        ground = await swapping(2)
        await ground.to_the_end()
        assert said(ground) == []
        assert listed(ground).figures["active"] == 0

    run(main())


def test_a_trip_names_the_cause_that_was_first_with_what_was_measured() -> None:
    async def main() -> None:
        ground = await swapping(1)
        await ground.at_step("carry_to_bay")
        ground.world.inputs.zone_clear = Signal.FALSE
        await ground.cycle()
        await ground.cycle()
        (message,) = said(ground, "interlock.person_in_zone")
        assert message.first_out and message.state == "unacknowledged"
        assert "zone_clear is false" in message.text and message.remedy in message.text
        ground.world.inputs.zone_clear = Signal.TRUE
        await ground.reaches("Aborted")
        await cycles(ground, 3.0)
        assert said(ground, "interlock.person_in_zone")[-1].active, "until a person clears"
        ground.send("clear")
        await ground.reaches("Stopped")
        await cycles(ground, 2.0)
        assert state(ground, "interlock.person_in_zone") is State.RETURNED

    run(main())


def test_each_verb_gets_its_two_answers_and_is_journalled_with_who_asked() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.world.inputs.smoke_clear[2] = Signal.UNTRUSTED
        await cycles(ground, 6.0)
        one = {"alarm": "smoke.detector:bay-2"}
        for verb, more, then in (
            ("ack", {}, State.ACKNOWLEDGED),
            ("shelve", {"minutes": 5}, State.SHELVED),
            ("unshelve", {}, State.UNACKNOWLEDGED),
            ("out_of_service", {"why": "is being replaced"}, State.OUT_OF_SERVICE),
            ("in_service", {}, State.UNACKNOWLEDGED),
        ):
            sent = ground.send(verb, **one, **more)
            await ground.cycle()
            assert ground.verdicts(sent) == ["accepted", "completed"], verb
            assert state(ground, one["alarm"]) is then
            last = journalled(ground)[-1]
            assert (last.trigger, last.by, last.after) == (verb, "test", then)
            assert said(ground)[-1].by == "test"
        numbers = [t.number for t in journalled(ground)]
        assert numbers == list(range(1, len(numbers) + 1))

    run(main())


def test_what_cannot_be_done_is_rejected_once_with_the_reason() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        for verb, more, why in (
            ("ack", {"alarm": "smoke.bay:bay-2"}, "is normal"),
            ("ack", {"alarm": "smoke.bay:bay-9"}, "no alarm of this station"),
            ("shelve", {"alarm": "smoke.bay:bay-2", "minutes": 61}, "at most 60 min"),
            ("out_of_service", {"alarm": "smoke.bay:bay-2", "why": "dusty"}, "safety alarm"),
        ):
            sent = ground.send(verb, **more)
            await ground.cycle()
            ((verdict, text),) = ground.uplink.verdicts[sent]
            assert verdict == "rejected" and why in text

    run(main())


def test_a_failing_journal_loses_no_transition_and_completes_nothing() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.journal.fail = True
        ground.world.inputs.smoke_clear[2] = Signal.FALSE
        await cycles(ground, 0.5)
        assert state(ground, "smoke.bay:bay-2") is State.UNACKNOWLEDGED and said(ground, "smoke.bay:bay-2")
        sent = ground.send("ack", alarm="smoke.bay:bay-2")
        await cycles(ground, 0.5)
        assert ground.verdicts(sent) == ["accepted"]
        ground.journal.fail = False
        await cycles(ground, 0.5)
        assert ground.verdicts(sent) == ["accepted", "completed"]
        numbers = [t.number for t in journalled(ground)]
        assert numbers == sorted(set(numbers)) == list(range(1, max(numbers) + 1))

    run(main())


def test_everything_of_a_plc_that_is_not_readable_is_suppressed() -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        ground.world.inputs.smoke_clear[2] = Signal.FALSE
        await cycles(ground, 0.5)
        ground.client.broken = True
        await cycles(ground, 30.0)
        shown = {part.id: part for part in listed(ground).alarms}
        assert shown["smoke.bay:bay-2"].state == "suppressed"
        assert shown["smoke.bay:bay-2"].suppressed_by == "plc.not_readable"
        ground.client.broken = False
        await cycles(ground, 2.0)
        assert state(ground, "smoke.bay:bay-2") is State.UNACKNOWLEDGED, "frozen, not forgotten"

    run(main())


def test_a_flood_collects_the_low_ones_and_tells_them_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        ground = Ground()
        await ground.ready()
        monkeypatch.setattr("station_ctl.alarms.flood.WINDOW_S", 30.0)
        for number in (1, 2, 3):
            pack_in(ground, number).faults.overcurrent = Signal.TRUE
        for number in range(1, 7):
            ground.world.inputs.smoke_clear[number] = Signal.UNTRUSTED
        ground.world.inputs.overrides["bay.6.occupied"] = Signal.TRUE
        ground.uplink.dropped, ground.uplink.rejected = 1, 21
        await cycles(ground, 7.0)
        begun = [m for m in ground.uplink.said if isinstance(m, EventMessage) and m.code == "alarms.flood_begins"]
        assert len(begun) == 1 and listed(ground).flood and listed(ground).first_out == "uplink.commands_rejected"
        heard = len(ground.uplink.said)
        ground.can["packs"] = "ERROR_PASSIVE"
        blind = {bay(1): "no temperature"}
        decided(lambda d: replace(d, suspect=blind))(ground)
        await cycles(ground, 4.0)
        fresh = {m.id for m in ground.uplink.said[heard:] if isinstance(m, AlarmMessage)}
        assert "pack.thermal_suspect:bay-1" in fresh and "can.error_passive:packs" not in fresh
        shown = listed(ground)
        assert "can.error_passive:packs" in shown.collected
        assert "can.error_passive:packs" in {part.id for part in shown.alarms}
        assert "can.error_passive:packs" in {t.record.id for t in journalled(ground)}
        await ground.until(lambda: not listed(ground).flood, 60.0)
        assert said(ground, "can.error_passive:packs")[-1].active
        ended = [m for m in ground.uplink.said if isinstance(m, EventMessage) and m.code == "alarms.flood_ends"]
        assert len(ended) == 1 and not listed(ground).collected
        assert {e.code for entry in ground.journal.entries for e in entry.events} >= {
            "alarms.flood_begins",
            "alarms.flood_ends",
        }

    run(main())


def answered(ground: Ground, sent: str) -> tuple[str, str]:
    return ground.uplink.verdicts[sent][0]


SERVICE_CLEARS = {
    "pack.thermal_event:bay-2": (
        lambda g: setattr(pack_in(g, 2).faults, "thermal_event", Signal.TRUE),
        lambda g: None,  # the station itself brings it to isolation, once it is reset
    ),
    "pack.quarantined:bay-2": (quarantine, lambda g: setattr(g.runner, "state", replace(g.state, quarantined={}))),
    "robot.gripper_full": (
        lambda g: g.world.inputs.overrides.update(gripper_holding=Signal.TRUE),
        lambda g: g.world.inputs.overrides.clear(),
    ),
}


@pytest.mark.parametrize("identifier", SERVICE_CLEARS)
def test_neither_clear_nor_reset_nor_an_operators_ack_clears_what_is_services(identifier: str) -> None:
    begins, ends = SERVICE_CLEARS[identifier]

    async def pressed(ground: Ground, *verbs: str) -> None:
        for verb in verbs:
            ground.send(verb)
            await cycles(ground, 4.0)

    async def main() -> None:
        ground = Ground()
        await (ground.reaches("Aborted") if "thermal" in identifier else ground.ready())
        begins(ground)
        await cycles(ground, 3.0)
        await pressed(ground, "clear", "reset")
        assert state(ground, identifier) is State.UNACKNOWLEDGED
        ends(ground)
        await ground.until(lambda: state(ground, identifier) is State.LATCHED, 120.0)
        await pressed(ground, "clear", "reset")
        assert state(ground, identifier) is State.LATCHED
        sent = ground.send("ack", alarm=identifier)
        await ground.cycle()
        verdict, why = answered(ground, sent)
        assert verdict == "rejected" and identifier in why and "role service" in why, why
        assert state(ground, identifier) is State.LATCHED
        ground.runner._alarms._roles = Roles([("test", (Role.OPERATOR, Role.SERVICE))])
        sent = ground.send("ack", alarm=identifier)
        await ground.cycle()
        assert answered(ground, sent)[0] == "accepted"
        assert state(ground, identifier) is State.NORMAL

    run(main())
