"""J1939-21: identifiers, and the transport protocol against every way a sequence can break."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.can_frame import Frame
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, build_id, parse_id
from drivers.transport import Message, Output, Transport
from drivers.transport_wire import ABORT, BAM, CTS, END, RTS, control_frame, data_frame

STATION, BMS = 0x56, 0x91
PGN = 0x1500


@pytest.mark.parametrize(
    ("can_id", "priority", "pgn", "destination", "source"),
    [
        (0x1826F456, 6, 0x2600, 0xF4, 0x56),  # CHM
        (0x182756F4, 6, 0x2700, 0x56, 0xF4),  # BHM
        (0x101956F4, 4, 0x1900, 0x56, 0xF4),  # BST
        (0x10FF3027, 4, 0xFF30, 0xFF, 0x27),  # TSC1
        (0x18FEEC27, 6, 0xFEEC, 0xFF, 0x27),  # VI
    ],
)
def test_identifiers_of_the_catalogue(can_id: int, priority: int, pgn: int, destination: int, source: int) -> None:
    assert parse_id(can_id) == (priority, pgn, destination, source)
    assert build_id(priority, pgn, source, destination) == can_id


@given(st.integers(0, 0x1FFFFFFF))
def test_every_identifier_survives_the_round_trip(can_id: int) -> None:
    parsed = parse_id(can_id)
    assert build_id(parsed.priority, parsed.pgn, parsed.source, parsed.destination) == can_id


class Wire:
    """Two nodes on one wire; `lose` says which frames, counted from 0, never arrive."""

    def __init__(self, lose: frozenset[int] = frozenset()) -> None:
        self.station, self.bms = Transport(STATION), Transport(BMS)
        self.lose, self.passed = lose, 0
        self.messages: list[Message] = []
        self.failures: list[str] = []
        self.now_s = 0.0

    def note(self, out: Output) -> list[Frame]:
        self.messages += out.messages
        self.failures += [failure.reason for failure in out.failures]
        return out.frames

    def carry(self, frames: list[Frame]) -> None:
        while frames:
            frame = frames.pop(0)
            self.passed += 1
            if self.passed - 1 in self.lose:
                continue
            node = self.bms if parse_id(frame.can_id).source == STATION else self.station
            frames += self.note(node.receive(frame, self.now_s))

    def settle(self) -> None:
        """Let all time-outs pass."""
        for _ in range(400):
            self.now_s += 0.05
            self.carry(self.note(self.bms.poll(self.now_s)) + self.note(self.station.poll(self.now_s)))


@given(st.binary(min_size=9, max_size=1785))
def test_any_message_arrives_whole(data: bytes) -> None:
    wire = Wire()
    wire.carry(wire.bms.send(PGN, STATION, data, 0.0).frames)
    assert wire.messages == [Message(PGN, BMS, STATION, data)]
    assert not wire.failures
    assert wire.station.sessions == 0


@given(st.binary(min_size=9, max_size=120), st.sets(st.integers(0, 30), min_size=1, max_size=4))
def test_a_lost_frame_never_gives_a_wrong_message(data: bytes, lose: set[int]) -> None:
    wire = Wire(frozenset(lose))
    wire.carry(wire.bms.send(PGN, STATION, data, 0.0).frames)
    wire.settle()
    assert all(message.data == data for message in wire.messages)
    assert wire.messages or wire.failures
    assert wire.station.sessions == 0
    wire.lose = frozenset()
    wire.messages.clear()
    wire.carry(wire.bms.send(PGN, STATION, data, wire.now_s).frames)
    assert [message.data for message in wire.messages] == [data]


@given(st.lists(st.tuples(st.sampled_from([TP_CM, TP_DT]), st.integers(0, 255), st.binary(max_size=8)), max_size=60))
def test_garbage_never_raises_and_never_piles_up(frames: list[tuple[int, int, bytes]]) -> None:
    station = Transport(STATION, max_sessions=4)
    for n, (pgn, source, data) in enumerate(frames):
        station.receive(Frame(build_id(7, pgn, source, STATION), data), n * 0.01)
        station.receive(Frame(build_id(7, pgn, source, GLOBAL_ADDRESS), data), n * 0.01)
    assert station.sessions <= 4
    station.poll(1000.0)
    assert station.sessions == 0


def request(size: int, packets: int, *, kind: int = RTS, source: int = BMS, pgn: int = PGN) -> Frame:
    destination = GLOBAL_ADDRESS if kind == BAM else STATION
    return control_frame(source, destination, bytes((kind, size & 0xFF, size >> 8, packets, 0xFF)), pgn)


@pytest.mark.parametrize(
    ("size", "packets", "abort", "words"),
    [
        (60000, 255, 9, "1785"),
        (1786, 255, 9, "1785"),
        (8, 2, 250, "9 is the least"),
        (41, 5, 250, "packets announced"),
        (41, 0, 250, "packets announced"),
    ],
)
def test_an_impossible_request_is_refused_with_a_reason(size: int, packets: int, abort: int, words: str) -> None:
    station = Transport(STATION)
    out = station.receive(request(size, packets), 0.0)
    assert [frame.data[:2] for frame in out.frames] == [bytes((ABORT, abort))]
    assert words in out.failures[0].reason
    assert station.sessions == 0


def test_data_without_a_request_is_counted() -> None:
    out = Transport(STATION).receive(data_frame(BMS, STATION, 1, b"1234567"), 0.0)
    assert out.failures[0].reason == "data without a request"
    assert not out.frames


@pytest.mark.parametrize(("numbers", "abort"), [((1, 1), 8), ((1, 3), 7), ((2,), 7), ((0,), 7)])
def test_a_broken_sequence_is_aborted(numbers: tuple[int, ...], abort: int) -> None:
    station = Transport(STATION)
    station.receive(request(41, 6), 0.0)
    out = Output()
    for number in numbers:
        out = station.receive(Frame(build_id(7, TP_DT, BMS, STATION), bytes((number,)) + b"1234567"), 0.1)
    assert out.frames[0].data[:2] == bytes((ABORT, abort))
    assert station.sessions == 0


def test_transport_frames_of_another_length_are_counted() -> None:
    station = Transport(STATION)
    out = station.receive(Frame(build_id(7, TP_CM, BMS, STATION), b"\x10\x29\x00\x06\xff\x00\x02"), 0.0)
    assert "7 bytes" in out.failures[0].reason


def test_frames_for_another_node_do_nothing() -> None:
    frame = control_frame(BMS, 0x57, bytes((RTS, 41, 0, 6, 255)), PGN)
    assert Transport(STATION).receive(frame, 0.0) == Output()


def test_two_sources_at_once_stay_apart() -> None:
    station = Transport(STATION)
    sent = {source: bytes([source]) * 20 for source in (0x91, 0x92)}
    for source in sent:
        station.receive(request(20, 3, source=source), 0.0)
    got: list[Message] = []
    for number in (1, 2, 3):
        for source, data in sent.items():
            got += station.receive(data_frame(source, STATION, number, data), 0.1).messages
    assert {message.source: message.data for message in got} == sent


def test_a_second_group_of_one_source_is_refused_and_the_first_goes_on() -> None:
    station = Transport(STATION)
    station.receive(request(9, 2), 0.0)
    out = station.receive(request(9, 2, pgn=0x1600), 0.0)
    assert out.frames[0].data[:2] == bytes((ABORT, 1))
    station.receive(data_frame(BMS, STATION, 1, b"123456789"), 0.0)
    assert station.receive(data_frame(BMS, STATION, 2, b"123456789"), 0.0).messages[0].data == b"123456789"


def test_the_same_request_again_begins_anew() -> None:
    station = Transport(STATION)
    station.receive(request(9, 2), 0.0)
    station.receive(data_frame(BMS, STATION, 1, b"aaaaaaaaa"), 0.0)
    assert "anew" in station.receive(request(9, 2), 0.1).failures[0].reason
    station.receive(data_frame(BMS, STATION, 1, b"bbbbbbbbb"), 0.1)
    assert station.receive(data_frame(BMS, STATION, 2, b"bbbbbbbbb"), 0.1).messages[0].data == b"bbbbbbbbb"


def test_a_receiver_gives_up_after_t1_and_says_so() -> None:
    station = Transport(STATION)
    station.receive(request(41, 6), 0.0)
    station.receive(data_frame(BMS, STATION, 1, bytes(41)), 1.0)
    assert not station.poll(1.7).failures
    out = station.poll(1.8)
    assert "time-out" in out.failures[0].reason
    assert out.frames[0].data[:2] == bytes((ABORT, 3))


def test_too_many_sessions_are_refused() -> None:
    station = Transport(STATION, max_sessions=2)
    outs = [station.receive(request(9, 2, source=source), 0.0) for source in (1, 2, 3)]
    assert [out.frames[0].data[0] for out in outs] == [CTS, CTS, ABORT]
    assert outs[2].frames[0].data[1] == 2


def test_a_broadcast_arrives_and_is_paced() -> None:
    truck, station = Transport(0x27), Transport(STATION)
    frames = truck.send(0xFEEC, GLOBAL_ADDRESS, b"LZZ1CLSB8NA123456*", 0.0).frames
    assert not truck.poll(0.04).frames
    for n in range(1, 5):
        frames += truck.poll(n * 0.06).frames
    assert len(frames) == 4
    outs = [station.receive(frame, 0.0) for frame in frames]
    assert outs[-1].messages == [Message(0xFEEC, 0x27, GLOBAL_ADDRESS, b"LZZ1CLSB8NA123456*")]
    assert not any(out.frames for out in outs)


def test_a_broadcast_with_a_gap_is_dropped_in_silence() -> None:
    station = Transport(STATION)
    station.receive(request(18, 3, kind=BAM, pgn=0xFEEC), 0.0)
    out = station.receive(data_frame(BMS, GLOBAL_ADDRESS, 2, bytes(18)), 0.1)
    assert out.failures
    assert not out.frames


def test_the_sender_holds_resends_and_ends() -> None:
    bms = Transport(BMS)
    bms.send(PGN, STATION, bytes(range(20)), 0.0)

    def answer(*head: int) -> Output:
        return bms.receive(control_frame(STATION, BMS, bytes(head).ljust(5, b"\xff"), PGN), 0.5)

    assert not answer(CTS, 0, 1).frames
    assert not bms.poll(1.5).failures
    assert [frame.data[0] for frame in answer(CTS, 2, 1).frames] == [1, 2]
    assert [frame.data[0] for frame in answer(CTS, 2, 2).frames] == [2, 3]
    assert not answer(END, 20, 0, 3).failures
    assert bms.poll(100.0) == Output()


def test_a_receiver_that_asks_for_ever_is_given_up() -> None:
    bms = Transport(BMS)
    bms.send(PGN, STATION, bytes(20), 0.0)
    again = control_frame(STATION, BMS, bytes((CTS, 1, 1, 255, 255)), PGN)
    outs = [bms.receive(again, 0.1) for _ in range(10)]
    assert any(out.failures for out in outs)
    assert outs[-1].frames == []


def test_messages_to_one_node_wait_their_turn_and_the_queue_is_bounded() -> None:
    wire = Wire()
    frames: list[Frame] = []
    for n in range(4):
        frames += wire.bms.send(PGN + n, STATION, bytes([n]) * 30, 0.0).frames
    assert len(frames) == 1
    wire.carry(frames)
    assert [message.data[0] for message in wire.messages] == [0, 1, 2, 3]
    full = Transport(BMS, max_queued=2)
    outs = [full.send(PGN, STATION, bytes(9), 0.0) for _ in range(4)]
    assert [len(out.failures) for out in outs] == [0, 0, 0, 1]


@pytest.mark.parametrize("size", [0, 8, 1786])
def test_a_length_the_protocol_cannot_carry_is_an_error(size: int) -> None:
    with pytest.raises(ValueError, match=r"9\.\.1785"):
        Transport(BMS).send(PGN, STATION, bytes(size), 0.0)


def test_a_peer_that_went_away_is_forgotten() -> None:
    station = Transport(STATION)
    station.receive(request(41, 6), 0.0)
    station.forget(BMS)
    assert station.sessions == 0
    assert not station.poll(100.0).failures


def test_an_abort_of_the_sender_ends_the_session() -> None:
    station = Transport(STATION)
    station.receive(request(41, 6), 0.0)
    out = station.receive(control_frame(BMS, STATION, bytes((ABORT, 3, 255, 255, 255)), PGN), 0.1)
    assert "aborted by the sender" in out.failures[0].reason
    assert station.sessions == 0


def test_data_before_it_was_cleared_is_aborted() -> None:
    station = Transport(STATION)
    grant = station.receive(control_frame(BMS, STATION, bytes((RTS, 41, 0, 6, 2)), PGN), 0.0).frames[0]
    assert grant.data[:3] == bytes((CTS, 2, 1))
    outs = [station.receive(data_frame(BMS, STATION, n, bytes(41)), 0.0) for n in (1, 2, 3)]
    assert outs[1].frames[0].data[:3] == bytes((CTS, 2, 3))
    assert not outs[2].failures
    assert not station.receive(data_frame(BMS, STATION, 4, bytes(41)), 0.0).failures


@pytest.mark.parametrize(
    ("destination", "kind"), [(GLOBAL_ADDRESS, RTS), (STATION, BAM), (STATION, 77), (GLOBAL_ADDRESS, CTS)]
)
def test_control_frames_that_make_no_sense_are_counted(destination: int, kind: int) -> None:
    out = Transport(STATION).receive(control_frame(BMS, destination, bytes((kind, 41, 0, 6, 255)), PGN), 0.0)
    assert len(out.failures) == 1
    assert not out.frames


def test_next_s_is_when_poll_has_something_to_do() -> None:
    station, truck = Transport(STATION), Transport(0x27)
    assert station.next_s == truck.next_s == math.inf
    station.receive(request(20, 3), 1.0)
    given_up_s = station.next_s
    assert not station.poll(given_up_s - 0.001).failures and station.poll(given_up_s).failures
    truck.send(0xFEEC, GLOBAL_ADDRESS, bytes(18), 5.0)
    packet_s = truck.next_s
    assert not truck.poll(packet_s - 0.001).frames and truck.poll(packet_s).frames
    assert truck.next_s > packet_s and station.next_s == math.inf
