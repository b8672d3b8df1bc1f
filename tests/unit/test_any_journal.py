"""Whatever a journal kept, whatever station.toml says now, whatever is measured: nothing raises, the station stands.

The commissioning engineer takes a bay or a mount out of the configuration while something is open there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.pack_status import PackIdentity, PackLink, PackStatus
from drivers.reading import Quality, Reading, Signal
from drivers.robot_protocol import (
    BaySensors,
    EchoState,
    MountSensors,
    Opcode,
    RobotCommand,
    RobotMode,
    RobotState,
    RobotStatus,
    StopReason,
)
from drivers.truck_status import TruckStatus
from station_ctl import config as config_room
from station_ctl.config import Config
from station_ctl.cycle import Seen, decide
from station_ctl.deciders import Deciders
from station_ctl.journal_tables import STATE
from station_ctl.model.look import Snapshot
from station_ctl.model.motion import LastMotion, Order
from station_ctl.model.places import bay, mount
from station_ctl.model.state import Asked, StationState
from station_ctl.model.visit import Evacuation, Exchange, Swap
from station_ctl.model.words import PackML, Verb
from station_ctl.state_snapshot import state_message
from station_ctl.swap import motions, verbs
from station_ctl.swap.kept import contradiction
from station_ctl.swap.machine import STEP
from station_ctl.swap.reconcile import MOVING, Kind, reconcile, refusal
from station_ctl.swap.restart import recovered, stable
from tests.simulation.thermal_ground import HotGround, swapping
from tests.support import run

NOW_S = 1000.0
SERIALS = ("TRK1-00000001", "TRK1-00000002", "SIMP-00000001", "SIMP-00000002", "HAND-00000001")
STEPS = st.sampled_from(list(STEP))
SIGNAL = st.sampled_from(list(Signal))
BAYS, MOUNTS = st.integers(1, 24), st.integers(1, 3)
STANDS = (PackML.ABORTED, PackML.STOPPED, PackML.HELD, PackML.CLEARING, PackML.RESETTING)
"""Where a restart, and what people do then before anything moves, leads to."""

exchanges = st.builds(
    Exchange,
    mount=MOUNTS,
    serial_out=st.sampled_from(SERIALS),
    soc_out_pct=st.just(12.0),
    bay_in=BAYS,
    bay_out=BAYS,
    serial_in=st.sampled_from(SERIALS),
    soc_in_pct=st.just(95.0),
    accepted=st.sampled_from([None, True, False]),
)
commands = st.builds(
    RobotCommand,
    sequence=st.integers(0, 9),
    opcode=st.sampled_from(list(Opcode)),
    source=st.sampled_from([0, 1, 24, 101, 103]),
    destination=st.sampled_from([0, 2, 23, 102]),
    mount=st.integers(0, 3),
)


@st.composite
def swaps(draw: st.DrawFn) -> Swap:
    """One that somebody left open."""
    found = tuple(draw(st.lists(exchanges, min_size=1, max_size=3, unique_by=lambda e: e.mount)))
    installed = tuple(sorted(draw(st.sets(st.sampled_from([e.mount for e in found])))))
    index = draw(st.integers(0, len(found) - 1))
    given_up = draw(st.tuples(st.booleans(), st.booleans()))
    return Swap("S-1", "LTESTTRUCK0000001", "operator", 80.0, "2026", found, index, installed, *given_up)


evacuations = st.builds(
    Evacuation,
    source=st.one_of(st.builds(bay, BAYS), st.builds(mount, MOUNTS)),
    isolation=BAYS,
    serial=st.sampled_from([None, *SERIALS]),
    why=st.just("hot"),
    interrupted=STEPS,
)
stored = st.builds(
    StationState,
    packml=st.sampled_from(list(PackML)),
    step=STEPS,
    resume_to=st.sampled_from([PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING]),
    swap=st.none() | swaps(),
    evacuation=st.none() | evacuations,
    evacuate_asked=st.none() | st.builds(bay, BAYS),
    given=st.none() | commands,
    last=st.none() | st.builds(LastMotion, commands, st.sampled_from([None, *EchoState]), SIGNAL),
    rejected=st.none() | st.integers(0, 9),
    sequence=st.none() | st.integers(0, 9),
    quarantined=st.dictionaries(
        st.sampled_from([*SERIALS, "bay 3", "bay 24", "gripper"]), st.just("thermal event: hot")
    ),
    told=st.dictionaries(st.sampled_from(["bay 3", "bay 24", "mount 1"]), st.sampled_from(SERIALS)),
).filter(lambda state: not contradiction(state))


@cache
def station(bays: tuple[int, ...], isolation: tuple[int, ...], mounts: tuple[int, ...]) -> tuple[Config, Deciders]:
    """A station with these places, and its deciders; `fresh` has them forget what another example made of them."""
    document = {
        "station": {"id": "T-01"},
        "robot": {"host": "127.0.0.1"},
        "can": [{"name": "packs"}],
        "bay": [{"number": n, "can_address": 0xB0 + n, "isolation": n in isolation} for n in bays],
        "mount": [{"number": n, "can_address": 0x90 + n} for n in mounts],
    }
    config = config_room.parse(document, "test")
    return config, Deciders.of(config)


@cache
def _as_started(deciders: Deciders) -> str:
    return json.dumps(deciders.dump())


def fresh(deciders: Deciders) -> Deciders:
    """As after a start."""
    deciders.load(json.loads(_as_started(deciders)))
    return deciders


@st.composite
def stations(draw: st.DrawFn) -> tuple[Config, Deciders]:
    """Any configuration: other bays, other mounts, other isolation than there were."""
    bays = tuple(sorted(draw(st.sets(st.sampled_from([1, 2, 3, 23, 24]), min_size=2))))
    isolation = tuple(sorted(draw(st.sets(st.sampled_from(bays), max_size=2))))
    return station(bays, isolation, tuple(sorted(draw(st.sets(MOUNTS, min_size=1)))))


@st.composite
def robots(draw: st.DrawFn) -> RobotStatus | None:
    """Anything that the PLC can say."""
    if draw(st.integers(0, 9)) == 0:
        return None
    signals = [draw(SIGNAL) for _ in range(8)]
    bays = tuple(BaySensors(*[draw(SIGNAL) for _ in range(4)]) for _ in range(3))
    kinds = [draw(st.sampled_from([None, *kind])) for kind in (RobotMode, RobotState, StopReason, EchoState)]
    mode, state, stopped, echo = kinds
    return RobotStatus(
        *(NOW_S, NOW_S, 1, mode, state, 0, 0, stopped, draw(st.integers(0, 9)), 0, echo, 0, 7, 0, 0),
        *(0.0,) * 6,
        draw(st.sampled_from([None, 0.0, 1800.0])),
        *(Signal.TRUE,) * 6,
        *signals,
        *(None,) * 3,
        tuple(MountSensors(*[draw(SIGNAL) for _ in range(4)]) for _ in range(3)),
        bays * 8,
    )


@st.composite
def snapshots(draw: st.DrawFn, config: Config) -> Snapshot:
    """Anything that can be read in a station of this configuration."""
    packs = {}
    for place, address in {
        **{bay(b.number): b.can_address for b in config.bay},
        **{mount(m.number): m.can_address for m in config.mount},
    }.items():
        who = PackIdentity(draw(st.sampled_from(SERIALS)), 3, 302.0, 566.0, 350)
        identity = Reading(who, Quality.GOOD, NOW_S)
        packs[place] = PackStatus(address, draw(st.sampled_from(list(PackLink))), NOW_S, identity)
    return Snapshot(NOW_S, draw(robots()), "not connected", TruckStatus(), packs, {"packs": "UP"})


@settings(max_examples=60, deadline=None)
@given(st.data(), stored, stations(), st.sampled_from(STANDS))
def test_any_kept_state_under_any_configuration_is_compared_asked_of_and_stepped(
    data: st.DataObject, kept: StationState, station: tuple[Config, Deciders], packml: PackML
) -> None:
    config, deciders = station[0], fresh(station[1])
    snapshot = data.draw(snapshots(config))
    read = STATE.validate_json(STATE.dump_json(stable(kept)))
    state = replace(recovered(read), packml=packml, state_since_s=data.draw(st.sampled_from([0.0, NOW_S])))
    found = reconcile(state, snapshot, config)
    gone = places(state) - {*snapshot.packs}
    if gone:
        assert found.kind is Kind.FAULT and all(str(place) in "; ".join(found.contradictions) for place in gone)
    for verb in Verb:
        why = refusal(verb, state, snapshot, config)
        gives_up = verb is Verb.BACK_OUT and state.evacuation and snapshot.robot and motions.empty(snapshot.robot)
        if gone and verb in MOVING and verb is not Verb.EVACUATE:
            assert why == "" if gives_up else "the configuration has no" in why
        order = Order(Opcode.HOME) if verb in (Verb.STEP, Verb.JOG) else None
        asked = Asked(verb, "test", bay=config.bay[0].number, order=order)
        decided = decide(deciders, config, state, Seen(snapshot, (asked,), "2026-01-01T00:00:00.000Z"))
        state_message(decided.state, snapshot, decided.decision, config)
        if gone and verb not in (Verb.END_SWAP, Verb.EVACUATE):
            assert decided.command is None or decided.command.opcode in (Opcode.RESET, Opcode.HOME)
    if packml in (PackML.HELD, PackML.STOPPED) and (state.swap or state.evacuation):
        assert verbs.refusal(Asked(Verb.END_SWAP, "test"), state, snapshot, config, ()) == ""


def places(state: StationState) -> set[object]:
    """Every place that what is open names."""
    found: set[object] = set()
    for e in state.swap.exchanges if state.swap else ():
        found |= {mount(e.mount), bay(e.bay_in), bay(e.bay_out)}
    if state.evacuation:
        found |= {state.evacuation.source, bay(state.evacuation.isolation)}
    return found


def without(config: Config, number: int = 0, mount_number: int = 0) -> Config:
    """The configuration after somebody has taken a place out."""
    bays = tuple(b for b in config.bay if b.number != number)
    mounts = tuple(m for m in config.mount if m.number != mount_number)
    return config.model_copy(update={"bay": bays, "mount": mounts})


@pytest.mark.parametrize(
    "step", ["unlock", "carry_to_bay", "approach_bay", "fetch", "insert", "lock", "evacuate_carry"]
)
@pytest.mark.parametrize("what", ["bay_in", "bay_out", "mount"])
def test_a_place_taken_out_of_the_configuration_while_it_is_used_is_a_fault_and_the_swap_can_be_ended(
    step: str, what: str
) -> None:
    async def main() -> None:
        ground = await swapping()
        if step.startswith("evacuate"):
            await ground.at_step("approach_bay")
            ground.heat("SIMP-00000001")
        await ground.at_step(step)
        await ground.cycles(2)
        assert ground.state.swap is not None
        number = getattr(ground.state.swap.exchange, what)
        place = f"mount {number}" if what == "mount" else f"bay {number}"
        ground.config = without(ground.config, **{"mount_number" if what == "mount" else "number": number})
        ground.restart()
        await stands(ground, place)

    run(main())


async def stands(ground: HotGround, place: str) -> None:
    """Aborted, then Held: a fault that names the place, nothing moves, the swap can be ended."""
    before = dict(ground.plc.motions)
    await ground.reaches("Aborted", 10.0)
    await ground.cycles(20)
    told = [m for m in ground.uplink.states if type(m).__name__ == "RecoveryMessage"][-1]
    assert told.kind == "fault" and f"the configuration has no {place}" in "; ".join(told.contradictions)
    await ground.clear_and_reset()
    await ground.reaches("Held", 10.0)
    for verb in ("resume", "back_out"):
        asked = ground.send(verb)
        await ground.cycles(3)
        assert ground.verdicts(asked) == ["rejected"]
        assert verb == "back_out" or f"the configuration has no {place}" in ground.uplink.verdicts[asked][0][1]
    ended = ground.send("end_swap")
    await ground.reaches("Stopped", 10.0)
    await ground.cycles(3)
    assert ground.verdicts(ended) == ["accepted", "completed"]
    assert ground.state.swap is None and ground.state.evacuation is None
    assert dict(ground.plc.motions) == before
    assert [swap.aborted for swap in ground.finished()] == [True]
