"""Each fault of a CAN bus does exactly what it says, as the station's own drivers see it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.can_frame import Frame
from drivers.can_state import BusState
from drivers.dbc import catalogue
from drivers.errors import DeviceError
from drivers.j1939 import GLOBAL_ADDRESS, build_id, parse_id
from drivers.pack_messages import decode
from drivers.reading import Quality, Signal
from drivers.transport import Transport
from hil.faults.can import BURST_FRAMES, CanWire
from hil.faults.catalogue import CanFault, parse
from hil.peers.faulty_bus import FaultyBus
from tests.can_support import STATION, WireBus
from tests.support import run

PACK, TRUCK = catalogue("pack"), catalogue("truck")
NODE, OTHER = 0xB1, 0xB2


def wire(kind: str = "", **parameters: Any) -> CanWire:
    made = CanWire(5)
    if kind:
        made.set(fault_of(kind, **parameters))
    return made


def fault_of(kind: str, **parameters: Any) -> CanFault:
    fault = parse({"kind": f"can.{kind}", **parameters}, "test")
    assert isinstance(fault, CanFault)
    return fault


def pms(counter: int, source: int = NODE, soh_pct: float = 98.0) -> Frame:
    values = {"contactor_closed": 0, "thermal_event": 0, "counter": counter, "soh_pct": soh_pct}
    return Frame(build_id(6, PACK.infos["PMS"].pgn, source, STATION), PACK.encode("PMS", values))


def tsc1(counter: int) -> Frame:
    values = dict.fromkeys(("swap_mode", "hv_off", "parking_brake", "contactor_1_closed"), 1) | {"counter": counter}
    return Frame(build_id(3, TRUCK.infos["TSC1"].pgn, 0x27), TRUCK.encode("TSC1", values))


def only(sent: tuple[tuple[float, Frame], ...]) -> Frame:
    ((delay_s, frame),) = sent
    assert delay_s == 0
    return frame


frames = st.builds(Frame, st.integers(0, 0x1FFFFFFF), st.binary(max_size=8))


@given(frames, st.floats(0, 1e6))
def test_without_a_fault_everything_passes(frame: Frame, now_s: float) -> None:
    clean = wire()
    assert clean.send(frame, now_s) == ((0.0, frame),) and clean.hear(frame, now_s)
    assert clean.due(now_s) == () and clean.blocked is None and not clean.counters


@given(
    st.lists(
        st.sampled_from(
            [
                {"kind": "loss", "rate": 0.3},
                {"kind": "stuck_counter"},
                {"kind": "frozen", "rate": 0.5},
                {"kind": "wrong_dlc", "length_bytes": 5},
                {"kind": "untrusted"},
                {"kind": "broken_transport", "how": "reordered"},
                {"kind": "broken_transport", "how": "aborted"},
                {"kind": "conflict", "address": NODE},
            ]
        ),
        max_size=4,
    ),
    st.lists(frames | st.sampled_from([pms(1), tsc1(2)]), max_size=20),
)
def test_any_faults_on_any_frames_give_frames_and_the_same_again(
    faults: list[dict[str, Any]], sent: list[Frame]
) -> None:
    one, other = wire(), wire()
    for fault in faults:
        one.set(fault_of(**fault))
        other.set(fault_of(**fault))
    for n, frame in enumerate(sent):
        got = one.send(frame, 0.1 * n)
        assert got == other.send(frame, 0.1 * n)
        assert all(len(f.data) <= 8 and parse_id(f.can_id).source == parse_id(frame.can_id).source for _, f in got)
        assert one.hear(frame, 0.1 * n) == other.hear(frame, 0.1 * n)
        assert one.due(0.1 * n) == other.due(0.1 * n)


def test_loss_of_one_node_one_way() -> None:
    lossy = wire("loss", source=NODE)
    assert lossy.send(pms(1), 0) == () and only(lossy.send(pms(1, OTHER), 0)) == pms(1, OTHER)
    to_node = Frame(build_id(6, 0x100, STATION, NODE), bytes(8))
    assert lossy.hear(to_node, 0)
    deaf = wire("loss", source=NODE, direction="to_nodes")
    assert not deaf.hear(to_node, 0) and only(deaf.send(pms(1), 0)) == pms(1)
    assert deaf.hear(Frame(build_id(6, 0x100, STATION, OTHER), bytes(8)), 0)
    assert lossy.counters["lost"] == 1 and deaf.counters["deaf"] == 1


@pytest.mark.parametrize("message", [lambda n: pms(n, soh_pct=90.0 + n), tsc1])
def test_stuck_counters_and_frozen_values(message: Any) -> None:
    stuck = wire("stuck_counter")
    got = [only(stuck.send(message(n), n)) for n in range(4)]
    name = "PMS" if parse_id(got[0].can_id).source == NODE else "TSC1"
    known = PACK if name == "PMS" else TRUCK
    assert [known.decode(name, f.data)["counter"][0] for f in got] == [0, 0, 0, 0]
    sent = [known.decode(name, message(n).data) for n in range(4)]
    for frame, was in zip(got, sent, strict=True):
        assert dict(known.decode(name, frame.data)) == {**was, "counter": sent[0]["counter"]}
    frozen = wire("frozen")
    for n in range(4):
        now = known.decode(name, only(frozen.send(message(n), n)).data)
        assert dict(now) == {**sent[0], "counter": sent[n]["counter"]}
    assert stuck.counters["stuck"] == frozen.counters["frozen"] == 4


def test_frozen_again_begins_anew() -> None:
    frozen = wire("frozen")
    assert only(frozen.send(pms(1, soh_pct=50.0), 0)).data[5] == 100
    frozen.clear()
    frozen.set(fault_of("frozen"))
    assert only(frozen.send(pms(1, soh_pct=60.0), 0)).data[5] == 120


def test_wrong_length() -> None:
    for length in range(9):
        wrong = only(wire("wrong_dlc", length_bytes=length).send(Frame(pms(1).can_id, b"\x01\x02\x03"), 0))
        assert wrong.data == b"\x01\x02\x03\xff\xff\xff\xff\xff"[:length]


def test_untrusted_statuses_and_nothing_else() -> None:
    untrusted = wire("untrusted")
    was, got = decode("PMS", pms(3).data, 0.0), decode("PMS", only(untrusted.send(pms(3), 0)).data, 0.0)
    doubted = ("contactor_closed", "thermal_event")
    assert all(got[name].value is Signal.UNTRUSTED for name in doubted)
    assert {k: v for k, v in got.items() if k not in doubted} == {k: v for k, v in was.items() if k not in doubted}
    bsm = Frame(build_id(6, PACK.infos["BSM"].pgn, NODE, STATION), PACK.encode("BSM", {"cell_voltage": 0, "soc": 0}))
    read = PACK.decode("BSM", only(untrusted.send(bsm, 0)).data)
    assert read["insulation"][0] == 2 == read["charge_permitted"][0] and read["cell_voltage"][0] == 0 == read["soc"][0]
    short = Frame(tsc1(1).can_id, b"\x55")
    assert only(untrusted.send(short, 0)).data == b"\xaa"


def test_a_babbling_node_floods_within_bounds() -> None:
    flood = wire("babble", frames_per_s=1000, source=0x90)
    assert flood.due(5.0) == ()
    sent = [frame for n in range(1, 101) for frame in flood.due(5.0 + 0.005 * n)]
    assert 498 <= len(sent) <= 500
    assert {parse_id(f.can_id).source for f in sent} == {0x90} and {parse_id(f.can_id).priority for f in sent} == {0}
    assert {parse_id(f.can_id).pgn >> 8 for f in sent} == {0xFF}
    assert len(flood.due(100.0)) == BURST_FRAMES and flood.due(100.0) == ()
    flood.clear()
    assert flood.due(200.0) == ()
    own = wire("babble", pgn=0xF004)
    own.due(0.0)
    assert {parse_id(f.can_id).pgn for f in own.due(0.1)} == {0xF004}


@pytest.mark.parametrize(("kind", "state"), [("bus_off", BusState.BUS_OFF), ("bus_down", BusState.DOWN)])
def test_a_dead_controller_neither_sends_nor_hears(kind: str, state: BusState) -> None:
    dead = wire(kind)
    dead.set(fault_of("babble"))
    dead.due(0.0)
    assert dead.blocked is state and dead.send(pms(1), 0) == () and not dead.hear(pms(1), 0) and dead.due(0.1) == ()
    dead.clear(f"can.{kind}")
    assert dead.blocked is None and only(dead.send(pms(1), 0)) == pms(1) and dead.due(0.2)


def test_a_second_pack_says_its_own_serial_at_the_same_address() -> None:
    """It shakes hands as a real one: BHM, then BRM over the transport protocol once the station answers."""
    both, station, said = wire("conflict", address=NODE, serial="DUPL-00000042"), Transport(STATION), list[bytes]()
    crm = Frame(build_id(6, PACK.infos["CRM"].pgn, STATION, NODE), bytes(8))
    for n in range(200):
        now_s = 0.01 * n
        if n == 40:
            assert both.hear(crm, now_s)
        for frame in both.due(now_s):
            assert parse_id(frame.can_id).source == NODE
            out = station.receive(frame, now_s)
            said += [message.data for message in out.messages if message.pgn == PACK.infos["BRM"].pgn]
            assert all(both.hear(answer, now_s) for answer in out.frames)
    identity = decode("BRM", said[0], 0.0)["identity"].value
    assert identity is not None and identity.serial == "DUPL-00000042"
    both.clear()
    assert both.due(9.0) == ()


def transported(broken: CanWire, destination: int = STATION) -> tuple[list[bytes], list[str], list[bytes]]:
    """A message of a node through the wire to the station: what arrived, what failed there, the data as it passed."""
    node, station = Transport(NODE), Transport(STATION)
    arrived, failed, passed, under_way = list[bytes](), list[str](), list[bytes](), list[tuple[float, int, Frame]]()
    queue = node.send(0x1500, destination, bytes(range(40)), 0.0).frames
    for n in range(800):
        now_s = 0.005 * n
        for frame in queue + node.poll(now_s).frames:
            under_way += [(now_s + d, len(under_way) + n * 100, f) for d, f in broken.send(frame, now_s)]
        queue = []
        due = sorted(entry for entry in under_way if entry[0] <= now_s)
        under_way = [entry for entry in under_way if entry[0] > now_s]
        for _, _, frame in due:
            passed.append(frame.data)
            out = station.receive(frame, now_s)
            arrived += [message.data for message in out.messages]
            failed += [failure.reason for failure in out.failures]
            for answer in out.frames:
                queue += node.receive(answer, now_s).frames
        failed += [failure.reason for failure in station.poll(now_s).failures]
    return arrived, failed, passed


@pytest.mark.parametrize("destination", [STATION, GLOBAL_ADDRESS])
def test_multi_packet_messages_break_as_asked(destination: int) -> None:
    whole = [bytes(range(40))]
    assert transported(wire("broken_transport", source=OTHER), destination)[:2] == (whole, [])
    for how in ("missing", "reordered", "aborted"):
        broken = wire("broken_transport", how=how)
        arrived, failed, _ = transported(broken, destination)
        missing = how == "missing" or (how == "aborted" and destination == GLOBAL_ADDRESS)
        assert not arrived and failed
        assert broken.counters["missing" if missing else how] >= 1
        if how == "aborted" and not missing:
            assert "aborted by the sender, reason 2" in failed and broken.counters["aborted"] == 1


def test_frozen_multi_packet_message_arrives_as_it_was() -> None:
    frozen, whole = wire("frozen"), bytes(range(40))
    assert transported(frozen)[0] == [whole]
    other = Frame(build_id(7, 0xEB00, NODE, STATION), b"\x01" + bytes(7))
    assert only(frozen.send(other, 9.0)).data == b"\x01" + whole[:7]


def test_faulty_bus_passes_loses_delays_and_adds() -> None:
    async def main() -> None:
        bus, heard = WireBus(), list[Frame]()
        faulty = FaultyBus(bus, wire())
        faulty.subscribe(lambda frame, now_s: heard.append(frame))
        faulty.send(pms(1))
        bus.hear(pms(2), 0.0)
        assert bus.sent == [pms(1)] and heard == [pms(2)]
        faulty.wire.set(fault_of("bus_off"))
        faulty.send(pms(3))
        bus.hear(pms(4), 0.0)
        assert bus.sent == [pms(1)] and heard == [pms(2)]
        faulty.wire.clear()
        faulty.wire.set(fault_of("broken_transport", how="reordered"))
        late = Frame(build_id(7, 0xEB00, NODE, STATION), b"\x01" + bytes(7))
        faulty.send(late)
        assert bus.sent == [pms(1)]
        faulty.wire.set(fault_of("babble"))
        task = asyncio.create_task(faulty.run())
        async with asyncio.timeout(5):
            while late not in bus.sent or len(bus.sent) < 10:  # noqa: ASYNC110 - the bus has no event
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        bus.refuse = True
        with pytest.raises(DeviceError):
            faulty.send(pms(1))

    run(main())


def test_untrusted_is_no_good_quality_to_the_drivers() -> None:
    got = decode("PMS", only(wire("untrusted").send(pms(3), 0)).data, 0.0)
    assert got["contactor_closed"].quality is not Quality.NOT_AVAILABLE
    assert got["contactor_closed"].value not in (Signal.TRUE, Signal.FALSE)
