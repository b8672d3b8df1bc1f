"""The packs of one bus: handshake, values and their quality, silence, conflict, garbage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.can_frame import Frame
from drivers.j1939 import TP_CM, build_id
from drivers.pack_status import PackLink, PackStatus
from drivers.packs import PackBus
from drivers.reading import Quality, Signal
from fuzz import judge
from tests.can_support import BCP, BCS, BSM, PMS, STATION, WireBus, brm, until
from tests.support import run

A, B = 0x91, 0x92
KNOWN, UNKNOWN = 0xAA, 0x00


class Rig:
    """A PackBus at a time of the test's own."""

    def __init__(self) -> None:
        self.wire = WireBus()
        self.dangers = 0
        self.packs = PackBus(self.wire, [A, B], on_danger=self._danger, others=[0x27])
        self.now_s = 100.0
        self.counter = 0

    def _danger(self) -> None:
        self.dangers += 1

    def say(self, name: str, values: Mapping[str, float], source: int = A) -> None:
        self.wire.say(source, "pack", name, values, self.now_s)

    def pms(self, source: int = A, stand_still: bool = False, values: Mapping[str, float] | None = None) -> None:
        self.counter += not stand_still
        self.say("PMS", PMS | {"counter": self.counter % 16} | dict(values or {}), source)

    def identify(self, serial: str = "CATL-00000012", source: int = A) -> None:
        self.say("BHM", {"voltage_limit_v": 646.0}, source)
        self.say("BRM", brm(serial), source)

    def monitor(self, source: int = A) -> None:
        for name, values in (("BCP", BCP), ("BCS", BCS), ("BSM", BSM)):
            self.say(name, values, source)
        self.pms(source)

    def tick(self, seconds: float) -> list[tuple[str, int, int]]:
        """Let time pass in the bus's own steps; the pack messages it sent."""
        for _ in range(round(seconds / 0.05)):
            self.now_s += 0.05
            self.packs._tick(self.now_s)
        return self.wire.names()

    def status(self, source: int = A) -> PackStatus:
        return self.packs._status(self.packs._slots[source], self.now_s)


def test_the_handshake_step_by_step() -> None:
    rig = Rig()
    assert rig.status().link is PackLink.SILENT
    assert {name for name, *_ in rig.tick(2.5)} == {"CHM"}
    rig.say("BHM", {"voltage_limit_v": 646.0})
    assert rig.status().link is PackLink.HANDSHAKE
    assert ("CRM", A, UNKNOWN) in rig.tick(0.05)
    rig.say("BRM", brm("CATL-00000012"))
    assert rig.status().link is PackLink.IDENTIFIED
    assert ("CRM", A, KNOWN) in rig.tick(0.05)
    rig.monitor()
    assert rig.status().link is PackLink.MONITORED
    assert not [said for said in rig.tick(0.4) if said[1] == A]
    assert rig.packs.counters.broken_transport == 0


def test_a_bms_that_talks_without_a_handshake_is_asked_who_it_is() -> None:
    rig = Rig()
    rig.pms()
    assert {said for said in rig.tick(0.05) if said[1] == A} == {("CHM", A, 1), ("CRM", A, UNKNOWN)}


def test_values_and_their_units() -> None:
    rig = Rig()
    rig.identify()
    rig.monitor()
    rig.say("BCL", {"voltage_demand_v": 646.0, "current_demand_a": -302.0, "mode": 2})
    rig.wire.say_bytes(A, 0x1500, bytes.fromhex("4a01" * 177), rig.now_s)
    rig.wire.say_bytes(A, 0x1600, bytes([75] * 29 + [81]), rig.now_s)
    status = rig.status()
    identity = status.identity.value
    assert identity is not None
    assert (identity.serial, identity.chemistry, identity.cycles) == ("CATL-00000012", 3, 350)
    assert (identity.rated_capacity_ah, identity.rated_voltage_v) == (302.0, 566.4)
    assert status.soc_pct.value == 62  # BCS, not BCP's 61.4
    assert (status.pack_current_a.value, status.pack_current_a.unit) == (130.0, "A")  # charging is positive here
    assert status.current_demand_a.value == 302.0
    assert (status.cell_voltage_max_v.value, status.remaining_min.value) == (3.31, 45)
    assert status.cell_voltages_v.value == (3.3,) * 177
    assert status.temperatures_c.value is not None
    assert status.temperatures_c.value[-1] == 31.0
    assert status.contactor_closed.value is Signal.FALSE
    assert status.charge_permitted.value is Signal.TRUE
    assert status.link_voltage_v.good(rig.now_s, 0.5) == 1.5
    assert status.heard_s == rig.now_s


def test_bcp_gives_the_charge_until_bcs_does() -> None:
    rig = Rig()
    rig.say("BCP", BCP)
    assert rig.status().soc_pct.value == 61.4
    rig.say("BCS", BCS)
    rig.say("BCP", BCP)
    assert rig.status().soc_pct.value == 62


def test_untrusted_and_absent_are_neither_true_nor_false() -> None:
    rig = Rig()
    rig.say("BSM", BSM | {"overtemperature": 2, "insulation": 3, "cell_voltage": 2, "temperature_max_c": 204})
    rig.pms(values={"contactor_closed": 2})
    status = rig.status()
    assert (status.overtemperature.value, status.overtemperature.quality) == (Signal.UNTRUSTED, Quality.UNTRUSTED)
    assert (status.insulation_fault.value, status.insulation_fault.quality) == (None, Quality.NOT_AVAILABLE)
    assert status.cell_voltage_fault.value is Signal.TRUE  # 10 here means too low
    assert status.temperature_max_c.quality is Quality.UNTRUSTED
    assert status.contactor_closed.quality is Quality.UNTRUSTED


def test_a_counter_that_stands_still_for_three_frames_is_not_believed_until_it_advances() -> None:
    rig = Rig()
    rig.pms()
    for _ in range(2):
        rig.pms(stand_still=True)
    assert rig.status().link_voltage_v.quality is Quality.GOOD
    rig.pms(stand_still=True)
    assert rig.status().link_voltage_v.quality is Quality.UNTRUSTED
    assert rig.status().contactor_closed.value is Signal.UNTRUSTED
    assert rig.dangers == 1
    rig.pms()
    assert rig.status().contactor_closed.value is Signal.FALSE


@pytest.mark.parametrize("values", [{"contactor_closed": 1}, {"contactor_closed": 2}, {"thermal_event": 1}])
def test_danger_wakes_once_when_it_turns(values: dict[str, float]) -> None:
    rig = Rig()
    rig.pms()
    assert rig.dangers == 0
    rig.pms(values=values)
    rig.pms(values=values)
    assert rig.dangers == 1
    rig.pms()
    rig.pms(values=values)
    assert rig.dangers == 2


def test_a_silent_pack_is_forgotten_and_the_next_is_not_taken_for_it() -> None:
    rig = Rig()
    rig.identify()
    rig.monitor()
    rig.tick(1.2)
    assert rig.status() == PackStatus(A)
    rig.pms()
    assert rig.status().link is PackLink.HANDSHAKE
    assert rig.status().pack_voltage_v.value is None


def test_a_pack_that_stops_its_periodic_messages_is_not_monitored() -> None:
    rig = Rig()
    rig.identify()
    rig.monitor()
    for _ in range(9):
        rig.tick(0.1)
        rig.pms()
    assert rig.status().link is PackLink.IDENTIFIED  # BCS and BSM are older than three periods


def test_a_new_serial_drops_the_old_packs_values_and_asks_again() -> None:
    rig = Rig()
    rig.identify("CATL-00000012")
    rig.monitor()
    rig.say("BRM", brm("CATL-00000013"))
    status = rig.status()
    assert status.identity.value is not None
    assert status.identity.value.serial == "CATL-00000013"
    assert status.identity.quality is Quality.GOOD
    assert status.pack_voltage_v.value is None
    assert ("CRM", A, UNKNOWN) in rig.tick(0.3)


def test_a_bms_that_begins_anew_drops_its_values() -> None:
    rig = Rig()
    rig.identify()
    rig.monitor()
    rig.say("BHM", {"voltage_limit_v": 646.0})
    assert rig.status().link is PackLink.HANDSHAKE
    assert rig.status().contactor_closed.value is None


def test_two_packs_on_one_address_are_believed_neither() -> None:
    rig = Rig()
    for serial in ("CATL-00000012", "CATL-00000013", "CATL-00000012"):
        rig.tick(0.2)
        rig.say("BRM", brm(serial))
    assert rig.status().identity.quality is Quality.UNTRUSTED
    assert rig.packs.counters.conflicts == 1
    rig.tick(0.2)
    rig.say("BRM", brm("CATL-00000012"))
    assert rig.status().identity.quality is Quality.UNTRUSTED
    rig.tick(1.2)
    rig.say("BRM", brm("CATL-00000012"))
    assert rig.status().identity.quality is Quality.GOOD


def test_a_pack_without_a_serial_is_not_recognised() -> None:
    rig = Rig()
    rig.say("BRM", brm("CATL-00000012") | {"serial_number": 0xFFFFFFFF})
    assert rig.status().link is PackLink.HANDSHAKE
    assert ("CRM", A, KNOWN) not in rig.tick(0.3)


def test_an_unreadable_maker_is_shown_but_not_trusted() -> None:
    rig = Rig()
    rig.say("BRM", brm("CATL-00000012") | {"maker": 0x01544143})
    identity = rig.status().identity
    assert identity.value is not None
    assert (identity.value.serial, identity.quality) == ("CAT?-00000012", Quality.UNTRUSTED)


@pytest.mark.parametrize("identified", [False, True])
def test_a_stage_that_lasts_five_seconds_begins_again(identified: bool) -> None:
    rig = Rig()
    if identified:
        rig.identify()
    for _ in range(52):
        rig.tick(0.1)
        rig.pms()
    assert rig.packs.handshake_timeouts == 1
    assert rig.status().link is PackLink.HANDSHAKE


def test_packs_stay_apart() -> None:
    rig = Rig()
    rig.identify("CATL-00000012", A)
    rig.identify("BYDX-00000099", B)
    rig.monitor(B)
    a, b = rig.status(A), rig.status(B)
    assert a.identity.value is not None
    assert b.identity.value is not None
    assert (a.identity.value.serial, b.identity.value.serial) == ("CATL-00000012", "BYDX-00000099")
    assert (a.link, b.link) == (PackLink.IDENTIFIED, PackLink.MONITORED)


def test_what_is_not_understood_is_counted() -> None:
    rig = Rig()
    counters = rig.packs.counters
    rig.say("PMS", PMS, source=0x77)
    rig.say("PMS", PMS, source=0x27)
    assert counters.unknown_source == 1
    rig.wire.say_bytes(A, 0xEF00, b"12345678", rig.now_s)
    rig.wire.say_bytes(A, 0x0900, b"\xaa", rig.now_s)  # BRO: of the standard, not used
    assert counters.unknown_pgn == 1
    rig.wire.say_bytes(A, 0x1000, b"\x01\x02", rig.now_s)
    rig.wire.say_bytes(A, 0x1000, b"", rig.now_s)
    assert counters.wrong_length == 2
    rig.wire.say_bytes(A, 0x1500, bytes(11), rig.now_s)
    rig.wire.say_bytes(A, 0x1600, bytes(200), rig.now_s)
    assert counters.undecodable == 2
    rig.wire.hear(Frame(build_id(7, TP_CM, A, STATION), b"\x10\x60\xea\xff\xff\x00\x02\x00"), rig.now_s)
    assert counters.broken_transport == 1
    rig.wire.hear(Frame(build_id(6, 0x1000, A, 0x57), b"12345"), rig.now_s)  # another charger's
    assert rig.status().voltage_demand_v.value is None


def test_a_bus_that_refuses_is_counted() -> None:
    rig = Rig()
    rig.wire.refuse = True
    rig.tick(2.0)
    assert rig.packs.counters.send_failed > 0


def test_a_bmv_with_a_cell_that_is_not_measured_is_untrusted() -> None:
    rig = Rig()
    rig.wire.say_bytes(A, 0x1500, bytes.fromhex("4a01" * 10 + "ffff"), rig.now_s)
    assert rig.status().cell_voltages_v.quality is Quality.UNTRUSTED


@given(st.lists(st.tuples(st.integers(0, 0x1FFFFFFF), st.binary(max_size=8)), max_size=40))
def test_no_frame_makes_it_fail(frames: list[tuple[int, bytes]]) -> None:
    rig = Rig()
    for can_id, data in frames:
        for identifier in (can_id, can_id & ~0xFFFF | STATION << 8 | A):
            rig.wire.hear(Frame(identifier, data), rig.now_s)
        rig.tick(0.05)
        judge.readings(rig.status(), rig.now_s)
    rig.tick(30.0)
    assert rig.status() == PackStatus(A), "what no BMS repeats is not kept"


def test_run_does_its_duties_and_is_cancelled() -> None:
    async def main() -> None:
        wire = WireBus()
        packs = PackBus(wire, [A], on_danger=lambda: None)
        task = asyncio.create_task(packs.run(), name="packs")
        await until(lambda: wire.sent)
        assert packs.status(A) == packs.statuses[A] == PackStatus(A)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    run(main())
