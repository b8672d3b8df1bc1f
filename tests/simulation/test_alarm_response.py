"""Every alarm of the catalogue is raised, and how long it takes from the condition to the uplink is held to its budget.

The stimulus is given as far out as the ground in memory allows: at the plant, at the wire's client, at the ports of
journal and uplink; a trip that takes a whole story to reach is laid over the interlock's decision (`decided`).
`make alarm-times` writes the table.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.errors import DeviceRefused
from drivers.pack_status import PackLink
from drivers.reading import NEVER, Signal
from drivers.robot_protocol import RobotState
from hil.plant.lane import Parking
from hil.plant.pack import Pack
from hil.plant.truck import Truck
from station_ctl import wall_clock
from station_ctl.alarms import catalogue
from station_ctl.journal import Entry, JournalError
from station_ctl.model.charge_estimate import ChargeEstimate, ChargeSpan, Grounds
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import BayCharge, StationState
from station_ctl.swap.quarantine import TAKEN_AWAY
from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmsMessage
from tests.blackbox_support import attached
from tests.simulation.ground import VIN, Ground
from tests.simulation.test_swap import swapping
from tests.support import run

CATALOGUE = catalogue.load()
MEASURED: dict[str, tuple[str, float]] = {}
TABLE = os.environ.get("ALARM_TIMES")

Stimulus = Callable[[Ground], object]
Judged = Callable[[Decision], Decision]


@dataclass(frozen=True)
class Case:
    """Where it is given, what makes it so, and in what station. begun: when the condition stands, if not at once."""

    where: str
    give: Stimulus
    begun: Callable[[Ground], bool] = lambda ground: True
    station: str = "idle"


class Overlaid:
    """The deciders, with something laid over what they decide."""

    def __init__(self, deciders: Any, change: Judged) -> None:
        self._deciders, self._change = deciders, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._deciders, name)

    def judge(self, snapshot: Snapshot, state: StationState) -> Decision:
        return self._change(self._deciders.judge(snapshot, state))


def decided(change: Judged) -> Stimulus:
    def give(ground: Ground) -> None:
        ground.runner._deciders = Overlaid(ground.runner._deciders, change)  # type: ignore[assignment]

    return give


def tripped(cause: str) -> Case:
    said = f"{cause}: measured"
    return Case("decision", decided(lambda d: replace(d, latched=True, first_out=cause, tripped=said)))


def set_input(name: str, value: Any = Signal.FALSE) -> Stimulus:
    return lambda ground: setattr(ground.world.inputs, name, value)


def pack_in(ground: Ground, number: int) -> Any:
    return next(p for p in ground.world.packs() if p.address == 0xB0 + number)


def status_of(number: int, **fields: object) -> Stimulus:
    """What the BMS in a bay tells, with some of it changed."""

    def give(ground: Ground) -> None:
        told = ground.runner._plant.packs.status
        changed = {k: v if v is NEVER else ground._reading(v) for k, v in fields.items() if k != "link"}
        link = {"link": fields["link"]} if "link" in fields else {}

        def status(address: int) -> Any:
            fresh = {k: v if v is NEVER else v._replace(received_s=ground.now_s) for k, v in changed.items()}
            return replace(told(address), **link, **fresh) if address == 0xB0 + number else told(address)

        ground.runner._plant.packs.status = status  # type: ignore[method-assign]

    return give


def quarantine(ground: Ground) -> None:
    ground.runner.state = replace(ground.state, quarantined={pack_in(ground, 2).serial: "insulation fault"})


def carried_away(ground: Ground) -> None:
    ground.runner.state = replace(ground.state, quarantined={f"{TAKEN_AWAY}bay 2": "thermal event: smoke"})


def isolate_pack(ground: Ground) -> None:
    ground.world.inputs.overrides["bay.6.occupied"] = Signal.TRUE


def fault(ground: Ground) -> None:
    ground.plc.state, ground.plc.fault_code = RobotState.FAULTED, 7


def unwritable(ground: Ground) -> None:
    async def refuse(address: int, words: object) -> None:
        raise DeviceRefused("illegal data address", where="PLC")

    ground.client.write = refuse  # type: ignore[method-assign, assignment]


def failing_journal(text: str) -> Stimulus:
    def give(ground: Ground) -> None:
        async def append(entry: Entry) -> None:
            raise JournalError(text, where="memory")

        ground.journal.append = append  # type: ignore[method-assign]
        ground.send("authorise", vin=VIN)  # something to write

    return give


def slow_journal(ground: Ground) -> None:
    async def append(entry: Entry) -> None:
        await asyncio.get_running_loop().create_future()

    ground.journal.append = append  # type: ignore[method-assign]
    for _ in range(40):  # four a cycle are taken, each cycle's entry hangs
        ground.send("authorise", vin=VIN)


def full_disk(ground: Ground) -> None:
    """The black box of this station cannot be written: its folder is a device that is always full."""
    box = attached(ground, Path("/dev/full/blackbox"))
    ground.runner._plant = replace(ground.runner._plant, recorder=lambda: box.trouble)
    box.ask("test")


def jump(ground: Ground) -> None:
    wall_clock.source.set(lambda: wall_clock._system() + timedelta(seconds=30))


def still(ground: Ground) -> None:
    ground.heartbeat_s = ground.now_s


def count(name: str, by: int) -> Stimulus:
    return lambda ground: setattr(ground.uplink, name, getattr(ground.uplink, name) + by)


def waits_for(code: str) -> Callable[[Ground], bool]:
    return lambda ground: ground.state.reason is not None and ground.state.reason.code == code


def arrives(**how: Any) -> Stimulus:
    """An authorised truck drives in."""

    def give(ground: Ground) -> None:
        ground.send("authorise", vin=VIN)
        ground.arrive(1, **how)

    return give


def both(*gives: Stimulus) -> Stimulus:
    def give(ground: Ground) -> None:
        for one in gives:
            one(ground)

    return give


def fill(ground: Ground) -> None:
    for number in range(1, 6):
        ground.world.inputs.overrides[f"bay.{number}.occupied"] = Signal.TRUE


def discharge(ground: Ground) -> None:
    for pack in ground.world.packs():
        pack.soc_pct = 20.0


def truck_with(**faults: bool) -> Stimulus:
    """An authorised truck drives in that has these faults."""

    def give(ground: Ground) -> None:
        ground.send("authorise", vin=VIN)
        truck = Truck(VIN, {1: Pack("TRK1-00000001", 12.0)})
        for name, value in faults.items():
            setattr(truck.faults, name, value)
        ground.world.arrive(truck, Parking(0.0, 0.0, 0.0))

    return give


def no_brake(ground: Ground) -> None:
    told = ground._truck

    def truck() -> Any:
        status = told()
        return replace(status, parking_brake=ground._reading(Signal.FALSE)) if status.vin.value else status

    ground._truck = truck  # type: ignore[method-assign]


def stays(ground: Ground) -> None:
    ground.world.lane._may_leave = lambda: False  # type: ignore[method-assign]


def bus(state: str) -> Case:
    return Case("can", lambda ground: ground.can.update(packs=state))


def thermal(ground: Ground) -> None:
    pack_in(ground, 2).faults.thermal_event = Signal.TRUE


def doubted(ground: Ground) -> None:
    """An estimate that says: the BMS in bay 2 cannot be right."""
    span = ChargeSpan(71.0, 69.5, 72.4, Grounds.ANCHORED)
    values = {pack_in(ground, 2).serial: ChargeEstimate(span, 300.0, 118.0, 0.0, 69.8, bms_wrong=True)}
    read = ground.runner._plant.estimates.feed
    estimates = SimpleNamespace(feed=lambda seen: replace(read(seen), estimates=values), told=lambda state: ())
    ground.runner._plant = replace(ground.runner._plant, estimates=estimates)  # type: ignore[arg-type]


def told(**fields: Any) -> Stimulus:
    return decided(lambda d: replace(d, **fields))


CASES: dict[str, Case] = {
    "station.aborted": Case("command", lambda ground: ground.send("abort"), lambda g: g.state.packml == "Aborted"),
    "station.held": Case("command", lambda ground: ground.send("hold"), lambda g: g.state.packml == "Held", "carrying"),
    "station.somebody_was_inside": Case("plant", set_input("zone_clear")),
    "evacuation.under_way": Case("plant", thermal, lambda ground: ground.state.evacuation is not None),
    "evacuation.needs_person": Case("plant", thermal, station="aborted"),
    "isolation.occupied": Case("plant", isolate_pack),
    "smoke.bay": Case("plant", lambda ground: ground.world.inputs.smoke_clear.update({2: Signal.FALSE})),
    "smoke.detector": Case("plant", lambda ground: ground.world.inputs.smoke_clear.update({2: Signal.UNTRUSTED})),
    "pack.thermal_event": Case("plant", thermal),
    "pack.thermal_suspect": Case("decision", told(suspect={bay(2): "58.2 degC, rises 1.2 K/min"})),
    "pack.blind": Case("decision", told(blind={bay(2): "no temperature for 12 s"})),
    "pack.insulation_low": Case("pack", status_of(2, insulation_ohm_per_v=80.0)),
    "pack.insulation_warning": Case("pack", status_of(2, insulation_ohm_per_v=300.0)),
    "pack.temperature": Case("pack", status_of(2, temperature_max_c=56.0)),
    "pack.bms_fault": Case("plant", lambda g: setattr(pack_in(g, 2).faults, "overcurrent", Signal.TRUE)),
    "pack.silent": Case("plant", lambda g: setattr(pack_in(g, 2).faults, "mute", True)),
    "pack.not_monitored": Case("pack", status_of(2, link=PackLink.HANDSHAKE, identity=NEVER)),
    "pack.quarantined": Case("state", quarantine),
    "pack.taken_away": Case("state", carried_away),
    "charge.tripped": Case("decision", told(charging={2: BayCharge(False, "tripped", "current over its demand")})),
    "pack.charge_doubted": Case("estimator", doubted),
    "charger.trouble": Case("decision", told(charging={2: BayCharge(False, "withheld", "", trouble="no answer")})),
    "stock.no_charged_pack": Case("plant", both(discharge, arrives()), waits_for("no_charged_pack")),
    "stock.no_free_bay": Case("plant", both(fill, arrives()), waits_for("no_free_bay")),
    "truck.repark": Case("plant", arrives(x_error_mm=130.0), waits_for("repark")),
    "truck.driver": Case("truck", both(arrives(), no_brake), waits_for("driver")),
    "truck.not_authorised": Case("plant", lambda ground: ground.arrive(1), waits_for("not_authorised")),
    "truck.silent": Case("plant", truck_with(mute=True), waits_for("truck_silent")),
    "truck.not_collected": Case("plant", stays, waits_for("still_here"), "leaving"),
    "plc.not_readable": Case("wire", lambda ground: setattr(ground.client, "broken", True)),
    "plc.heartbeat_still": Case("wire", still),
    "plc.faulted": Case("plant", fault),
    "plc.not_writable": Case("wire", unwritable, lambda g: g.runner.health.failed_writes > 5),
    "robot.gripper_full": Case(
        "plant", lambda g: g.world.inputs.overrides.update(gripper_holding=Signal.TRUE), waits_for("gripper_full")
    ),
    "can.down": bus("DOWN"),
    "can.bus_off": bus("BUS_OFF"),
    "can.error_passive": bus("ERROR_PASSIVE"),
    "can.silent": bus("SILENT"),
    "uplink.broker_lost": Case("uplink", lambda ground: setattr(ground.uplink, "connected", False)),
    "uplink.dropped": Case("uplink", count("dropped", 1)),
    "uplink.commands_rejected": Case("uplink", count("rejected", 21)),
    "journal.failed": Case("journal", failing_journal("disk I/O error")),
    "journal.disk_full": Case("journal", failing_journal("database or disk is full")),
    "journal.slow": Case("journal", slow_journal, lambda ground: ground.runner._entries.behind > 8),
    "blackbox.not_written": Case("disk", full_disk),
    "controller.overruns": Case("runner", lambda ground: setattr(ground.runner.health, "overruns", 6)),
    "controller.clock_jump": Case("clock", jump),
    "interlock.emergency_stop": Case("plant", set_input("estop_released")),
    "interlock.fire_alarm": Case("plant", set_input("fire_clear")),
    "interlock.person_in_zone": Case("plant", set_input("zone_clear"), station="carrying"),
    "interlock.door_open": Case("plant", set_input("doors_closed"), station="carrying"),
    "interlock.object_on_platform": Case("plant", set_input("platform_clear"), station="carrying"),
}
CASES |= {code: tripped(code.split(".")[1]) for code in CATALOGUE.alarms if "interlock." in code and code not in CASES}


@asynccontextmanager
async def station(kind: str) -> AsyncIterator[Ground]:
    """A station that stands as the case wants it."""
    if kind in ("carrying", "leaving"):
        ground = await swapping(1, depart_timeout_s=5.0)
        await ground.at_step("carry_to_bay" if kind == "carrying" else "release")
        await ground.until(lambda: ground.state.pending is not None)
    else:
        ground = Ground()
        await (ground.reaches("Aborted") if kind == "aborted" else ground.ready())
    for _ in range(20 if kind in ("idle", "aborted") else 0):
        await ground.cycle()
    before = wall_clock.source.get()
    yield ground
    wall_clock.source.set(before)
    for task in ground.runner._entries._behind:
        task.cancel()
    await asyncio.gather(*ground.runner._entries._behind, return_exceptions=True)


async def response_ms(code: str) -> float:
    """From the condition to the message, in the ground's own time."""
    case = CASES[code]
    async with station(case.station) as ground:
        heard = len(ground.uplink.said)
        case.give(ground)
        await ground.until(lambda: case.begun(ground), 60.0)
        begun_s = ground.now_s
        message = await _raised(ground, code, heard)
        took_ms = 1000 * (ground.now_s - begun_s)
        _check(message, ground)
    return took_ms


async def _raised(ground: Ground, code: str, heard: int) -> AlarmMessage:
    def found() -> AlarmMessage | None:
        said = [m for m in ground.uplink.said[heard:] if isinstance(m, AlarmMessage)]
        return next((m for m in said if m.code == code and m.state == "unacknowledged"), None)

    await ground.until(lambda: found() is not None, 70.0)
    message = found()
    assert message is not None
    return message


def _check(message: AlarmMessage, ground: Ground) -> None:
    """It says all that a person needs, and whoever comes late sees it in the list."""
    entry = CATALOGUE.alarms[message.code]
    assert message.active and message.trigger in ("raise", "change") and message.by == "station"
    assert (message.priority, message.alarm_class) == (entry.priority, entry.alarm_class)
    assert message.text and message.cause and message.consequence and message.remedy and message.reaction
    assert message.raised_at is not None and message.acked_at is None
    assert (message.unit != "") <= (message.value is not None and message.limit is not None)
    listed = next(m for m in reversed(ground.uplink.states) if isinstance(m, AlarmsMessage))
    assert message.id in {part.id for part in listed.alarms}


@pytest.fixture(scope="module", autouse=True)
def times() -> Iterator[None]:
    """Writes what was measured where `make alarm-times` wants it."""
    yield
    if TABLE:
        Path(TABLE).write_text(_table(), encoding="utf-8")


def _table() -> str:
    rows = [
        f"| {code} | {where} | {took_ms:.0f} | {CATALOGUE.alarms[code].budget_ms} |"
        for code, (where, took_ms) in MEASURED.items()
    ]
    head = (
        "# Response times of the alarms\n\nWritten by `make alarm-times`, which raises every alarm of the catalogue in "
        "virtual time,\nwith a cycle of 50 ms. From the condition to the message given to the uplink, delays of the "
        "catalogue included.\n\n| alarm | condition given at | measured ms | budget ms |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


@contextmanager
def leaving_the_clock_alone() -> Iterator[None]:
    token = wall_clock.source.set(wall_clock.source.get())
    try:
        yield
    finally:
        wall_clock.source.reset(token)


def test_every_alarm_has_a_stimulus_and_every_stimulus_an_alarm() -> None:
    assert set(CASES) == set(CATALOGUE.alarms)


@pytest.mark.parametrize("code", list(CATALOGUE.alarms))
def test_an_alarm_is_raised_within_its_budget(code: str) -> None:
    with leaving_the_clock_alone():
        took_ms = run(response_ms(code), 40.0)
    MEASURED[code] = (CASES[code].where, took_ms)
    entry = CATALOGUE.alarms[code]
    assert took_ms <= entry.budget_ms, f"{code}: {took_ms:.0f} ms, budget {entry.budget_ms} ms"
    assert took_ms >= entry.on_delay_ms - 1 and math.isfinite(took_ms)
