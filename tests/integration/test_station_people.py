"""People in a swap: hold, back out, a person in the zone, the emergency stop, and verbs at the wrong time."""

from __future__ import annotations

from tests.integration.station_support import Station, harm, station, wrong
from tests.support import run


async def _rejected(there: Station, verb: str, why: str, **arguments: object) -> None:
    answer = await there.rig.operator.send(verb, **arguments)  # type: ignore[arg-type]
    assert answer.verdict == "rejected" and why in answer.reason, answer


def test_person_in_the_zone_stops_the_swap_until_somebody_has_looked() -> None:
    async def main() -> None:
        async with station() as there:
            await _rejected(there, "reset", "reset is possible in Stopped, or")
            await there.up()
            for verb in ("hold", "resume", "back_out", "clear"):
                await _rejected(there, verb, "Idle")
            before = await there.rig.plant.truth()
            own = await there.truck()
            await there.authorise()
            await there.moving_in("carry_to_bay", slow=10.0, after="extract")
            await _rejected(there, "authorise", "is under way", vin=there.vin)
            await _zone_entered(there)
            await there.to_held()
            await there.resume()
            record = await there.record()
            assert wrong(before, await there.rig.plant.truth(), own) == []
            assert record.outcome == "completed"
            await _emergency_stop_at_rest(there)

    run(main(), timeout_s=45.0)


async def _zone_entered(there: Station) -> None:
    operator = there.rig.operator
    await there.rig.plant.ask("zone", clear=False)
    state = await operator.reaches("Aborted")
    first_out = state.interlock.first_out or ""
    assert first_out.startswith("person_in_zone: zone_clear is false") and "ms old" in first_out
    assert "person_in_zone" in state.interlock.active
    assert "get everybody out of the zone" in first_out and state.reason is not None
    assert (state.reason.code, state.reason.text) == ("interlock", first_out)
    stood = (await there.stands())["plc"]["motions_started"]
    answer = await operator.send("clear")
    assert answer.verdict == "failed" and "person_in_zone" in answer.reason
    await operator.reaches("Aborted")
    assert (await there.rig.plant.truth())["plc"]["motions_started"] == stood
    await there.rig.plant.ask("zone", clear=True)
    await operator.until(lambda: operator.state if _seen_clear(there) else None, 10.0, "an empty zone")
    assert (await operator.reaches("Aborted")).interlock.latched, "it stays latched until a person clears"


def _seen_clear(there: Station) -> bool:
    """The station has read that nobody is inside: a word given before it would not count."""
    state = there.rig.operator.state
    return state is not None and "person_in_zone" not in state.interlock.active


async def _emergency_stop_at_rest(there: Station) -> None:
    """Nothing moves, and the station is down all the same, until the button is out and somebody clears."""
    operator, plant = there.rig.operator, there.rig.plant
    await plant.ask("estop", released=False)
    state = await operator.reaches("Aborted")
    assert (state.interlock.first_out or "").startswith(("emergency_stop", "plc_faulted"))
    await plant.ask("estop", released=True)
    await there.up()


def test_hold_resume_and_back_out_give_the_truck_its_own_pack_back() -> None:
    async def main() -> None:
        async with station() as there:
            await there.up()
            before = await there.rig.plant.truth()
            own = await there.truck()
            asked = await there.authorise()
            await there.moving_in("extract", slow=10.0, after="approach_mount")
            assert (await there.rig.operator.send("hold")).verdict == "completed"
            assert there.stops() == ["COMMAND"] and not (await there.stands())["robot"]["moving"]
            await _rejected(there, "hold", "not possible in Held")
            await there.resume()
            await there.moving_in("carry_to_bay", slow=10.0, after="carry_to_bay")
            assert (await there.rig.operator.send("hold")).verdict == "completed"
            assert (await there.stands())["gripper"] == own[0]
            state = await there.rig.operator.reaches("Held")
            assert set(state.choices) >= {"resume", "back_out", "abort"}
            back = await there.rig.operator.send("back_out", wait=False)
            record = await there.record()
            assert (await there.rig.operator.ended(back)).verdict == "completed"
            failed = await there.rig.operator.ended(asked)
            assert (failed.verdict, failed.reason) == ("failed", "the swap was backed out")
            after = await there.rig.plant.truth()
            assert record.outcome == "backed_out" and after["departed"][0]["packs"] == {"1": own[0]}
            assert after["bays"] == before["bays"] and harm(after) == []

    run(main(), timeout_s=45.0)
