"""Each fault of the Modbus wire does exactly what it says; without one, bytes pass as they are."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.register_codec import Block
from drivers.registers import load
from drivers.robot_protocol import EchoState, Opcode
from hil.faults.catalogue import ModbusFault, parse
from hil.faults.modbus import CUT, LOST, ModbusWire, Passage

MAP = load("robot-plc-v2")
STATUS, COMMAND = MAP.block("status"), MAP.block("command")


def wire(*faults: dict[str, Any], seed: int = 1) -> ModbusWire:
    made = ModbusWire(MAP, seed)
    for fault in faults:
        made.set(fault_of(**fault))
    return made


def fault_of(kind: str, **parameters: Any) -> ModbusFault:
    fault = parse({"kind": f"modbus.{kind}", **parameters}, "test")
    assert isinstance(fault, ModbusFault)
    return fault


def framed(pdu: bytes, transaction: int = 7) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, 1) + pdu


def status(transaction: int = 7, **points: int) -> bytes:
    words = [0] * STATUS.count
    for name, value in points.items():
        words[at(STATUS, name)] = value
    return framed(struct.pack(f">BB{STATUS.count}H", 3, 2 * STATUS.count, *words), transaction)


def command(sequence: int, opcode: int) -> bytes:
    words = [0] * COMMAND.count
    words[at(COMMAND, "sequence")], words[at(COMMAND, "opcode")] = sequence, opcode
    head = struct.pack(">BHHB", 16, COMMAND.address, COMMAND.count, 2 * COMMAND.count)
    return framed(head + struct.pack(f">{COMMAND.count}H", *COMMAND.seal(words)))


def at(block: Block, name: str) -> int:
    return next(p.at for p in block.points if p.name == name)


def words_of(frame: bytes, block: Block) -> tuple[int, ...]:
    return struct.unpack(f">{block.count}H", frame[-2 * block.count :])


def only(passage: Passage) -> bytes:
    assert passage.back == () and not passage.cut
    ((delay_s, frame),) = passage.forward
    assert delay_s == 0
    return frame


READ = framed(struct.pack(">BHH", 3, 0, 64))
WRITTEN = framed(struct.pack(">BHH", 16, COMMAND.address, COMMAND.count))


@given(st.binary(max_size=260), st.floats(0, 1e6))
def test_without_a_fault_everything_passes(frame: bytes, now_s: float) -> None:
    clean = wire()
    assert clean.request(frame, now_s) == clean.reply(frame, now_s) == Passage(((0.0, frame),))
    assert not clean.active and not clean.counters


@given(
    st.lists(
        st.sampled_from(
            [
                {"kind": "delay", "delay_ms": 5, "jitter_ms": 50, "rate": 0.5},
                {"kind": "drop_requests", "rate": 0.5},
                {"kind": "drop_replies", "rate": 0.5},
                {"kind": "duplicate", "rate": 0.5},
                {"kind": "exception", "code": 2, "rate": 0.5},
                {"kind": "stale"},
                {"kind": "flip_bits", "block": "status", "bits": 3},
                {"kind": "flip_bits", "bits": 16, "signals": "any"},
                {"kind": "half_open"},
                {"kind": "cut", "rate": 0.1},
                {"kind": "lying_echo"},
                {"kind": "noise", "delay_rate": 0.5, "delay_max_ms": 9, "cut_rate": 0.1, "drop_reply_rate": 0.1},
            ]
        ),
        max_size=5,
    ),
    st.lists(
        st.binary(max_size=40) | st.sampled_from([READ, WRITTEN, status(heartbeat=1), command(3, 5)]), max_size=30
    ),
    st.integers(),
)
def test_any_faults_on_any_frames_leave_frames_in_order_and_come_again(
    faults: list[dict[str, Any]], frames: list[bytes], seed: int
) -> None:
    one, other = wire(*faults, seed=seed), wire(*faults, seed=seed)
    last_s = {"request": 0.0, "reply": 0.0}
    for n, frame in enumerate(frames):
        for name in last_s:
            passage = getattr(one, name)(frame, 0.003 * n)
            assert passage == getattr(other, name)(frame, 0.003 * n)
            for delay_s, passed in passage.forward:
                assert len(passed) == len(frame) and 0.003 * n + delay_s >= last_s[name]
                last_s[name] = 0.003 * n + delay_s
    one.clear()
    assert one.reply(READ, 1e6) == one.request(READ, 1e6) == Passage(((0.0, READ),))
    assert not one.active


def test_lost_requests_and_replies_are_counted() -> None:
    lossy = wire({"kind": "drop_requests", "count": 2}, {"kind": "drop_replies", "function": "write"})
    assert [lossy.request(READ, 0) for _ in range(3)] == [LOST, LOST, Passage(((0.0, READ),))]
    assert lossy.reply(WRITTEN, 0) == LOST and only(lossy.reply(status(), 0)) == status()
    assert lossy.counters == {"dropped_requests": 2, "dropped_replies": 1, "dropped_write_replies": 1, "delayed": 0}


def test_half_open_swallows_both_ways_until_healed() -> None:
    silent = wire({"kind": "half_open"})
    assert silent.request(READ, 0) == silent.reply(status(), 0) == LOST
    silent.clear("modbus.half_open")
    assert only(silent.request(READ, 0)) == READ


def test_exceptions_come_from_the_wire_with_the_transaction_asked() -> None:
    busy = wire({"kind": "exception", "code": 6, "function": "write", "count": 1})
    assert only(busy.request(READ, 0)) == READ
    assert busy.request(command(1, 5), 0) == Passage((), (b"\x00\x07\x00\x00\x00\x03\x01\x90\x06",))
    assert only(busy.request(command(1, 5), 0)) == command(1, 5)
    assert busy.counters["refused"] == 1


def test_late_frames_stay_in_order_even_once_healed() -> None:
    slow = wire({"kind": "delay", "delay_ms": 100, "count": 1})
    assert slow.reply(READ, 1.0).forward == ((pytest.approx(0.1), READ),)
    slow.clear()
    ((delay_s, _),) = slow.reply(WRITTEN, 1.05).forward
    assert 0.05 < delay_s < 0.0501 and only(slow.request(READ, 1.05)) == READ
    assert only(slow.reply(WRITTEN, 1.2)) == WRITTEN and not slow.active
    assert slow.counters["delayed"] == 1


def test_duplicates() -> None:
    twice = wire({"kind": "duplicate", "direction": "requests", "count": 1})
    assert twice.request(READ, 0).forward == ((0.0, READ), (0.0, READ))
    assert only(twice.request(READ, 0)) == READ and only(twice.reply(WRITTEN, 0)) == WRITTEN


def test_a_cut_has_a_count_or_is_a_cable_that_is_off() -> None:
    once = wire({"kind": "cut", "count": 1})
    assert not once.cable_off and once.reply(READ, 0) == CUT and only(once.reply(READ, 0)) == READ
    off = wire({"kind": "cut"})
    assert off.cable_off and off.request(READ, 0) == off.reply(READ, 0) == CUT and off.counters["cut"] == 2
    off.clear("modbus.cut")
    assert not off.cable_off and only(off.reply(READ, 0)) == READ


@pytest.mark.parametrize("runs", [False, True])
def test_stale_status_stands_still_while_answers_go_on(runs: bool) -> None:
    stale = wire({"kind": "stale", "heartbeat_runs": runs})
    first = status(heartbeat=5, state=2)
    assert only(stale.reply(first, 0)) == first
    assert only(stale.reply(status(8, heartbeat=9, state=1), 0)) == status(8, heartbeat=9 if runs else 5, state=2)
    assert only(stale.reply(WRITTEN, 0)) == WRITTEN
    stale.clear()
    assert only(stale.reply(status(heartbeat=9), 0)) == status(heartbeat=9)


@given(st.integers(), st.integers(1, 16))
def test_flipped_command_is_caught_by_its_checksum(seed: int, bits: int) -> None:
    noisy = wire({"kind": "flip_bits", "bits": bits, "signals": "any"}, seed=seed)
    got = only(noisy.request(command(3, 5), 0))
    turned = [a ^ b for a, b in zip(words_of(got, COMMAND), words_of(command(3, 5), COMMAND), strict=True)]
    assert sum(word.bit_count() for word in turned) == bits == noisy.counters["flipped"]
    assert bits > 2 or not COMMAND.sealed(words_of(got, COMMAND))
    assert only(noisy.request(READ, 0)) == READ and only(noisy.reply(status(), 0)) == status()


@given(st.integers(), st.integers(1, 16), st.lists(st.integers(0, 0xFFFF), min_size=64, max_size=64))
def test_doubted_flips_make_no_statement_of_a_signal(seed: int, bits: int, words: list[int]) -> None:
    noisy = wire({"kind": "flip_bits", "block": "status", "bits": bits}, seed=seed)
    sent = framed(struct.pack(">BB64H", 3, 128, *words))
    before, after = STATUS.decode(words), STATUS.decode(words_of(only(noisy.reply(sent, 0)), STATUS))
    signals = [p.name for p in STATUS.points if p.signal]
    pairs = [(before.points[name], after.points[name]) for name in signals]
    for group in STATUS.groups:
        for old, new in zip(before.groups[group.name], after.groups[group.name], strict=True):
            pairs += zip(old, new, strict=True)
    assert all(new == old or (old in (0, 1) and new == int(old) + 2) for old, new in pairs)


def test_any_flip_may_make_false_true() -> None:
    noisy = wire({"kind": "flip_bits", "block": "status", "signals": "any"})
    seen = {STATUS.decode(words_of(only(noisy.reply(status(), 0)), STATUS)).points["zone_clear"] for _ in range(3000)}
    assert {0, 1, 2} <= seen


@pytest.mark.parametrize("says", ["accepted", "executing", "done"])
def test_the_echo_lies_about_what_was_withheld(says: str) -> None:
    lying = wire({"kind": "lying_echo", "says": says})
    assert only(lying.request(command(4, Opcode.MOVE_TO), 0)) == command(4, Opcode.MOVE_TO)  # from before the lies
    told = status(echo_sequence=4, echo_opcode=5, echo_state=2, echo_result=0)
    assert only(lying.reply(told, 0)) == told
    assert only(lying.request(command(5, Opcode.CLAMP), 0)) == command(5, Opcode.NONE)
    got = STATUS.decode(words_of(only(lying.reply(told, 0)), STATUS)).points
    assert [got[f"echo_{n}"] for n in ("sequence", "opcode", "state")] == [5, Opcode.CLAMP, EchoState[says.upper()]]
    assert only(lying.request(command(6, Opcode.STOP), 0)) == command(6, Opcode.STOP)
    assert lying.counters["withheld"] == 1 == lying.counters["lied"]
    lying.clear()
    assert only(lying.reply(told, 0)) == told


def test_a_lie_about_a_command_that_runs() -> None:
    lying = wire({"kind": "lying_echo", "withheld": False})
    for sequence in (1, 2):
        assert only(lying.request(command(sequence, Opcode.HOME), 0)) == command(sequence, Opcode.HOME)
    got = STATUS.decode(words_of(only(lying.reply(status(), 0)), STATUS)).points
    assert (got["echo_sequence"], got["echo_state"]) == (2, EchoState.DONE)


def test_noise_makes_all_of_it() -> None:
    rates = {f"{name}_rate": 0.1 for name in ("drop_request", "drop_reply", "exception", "cut", "delay")}
    noisy = wire({"kind": "noise", "delay_min_ms": 2, "delay_max_ms": 5, **rates})
    for n in range(2000):
        noisy.request(READ, 0.02 * n)
        for delay_s, _ in noisy.reply(status(), 0.02 * n).forward:
            assert delay_s == 0 or 0.001999 <= delay_s <= 0.005001
    for name in ("dropped_requests", "dropped_replies", "refused", "cut", "delayed"):
        assert 100 < noisy.counters[name] < 500, name


def test_one_of_a_kind_and_which_one() -> None:
    first, second = fault_of("drop_replies", count=5), fault_of("drop_replies", rate=0.0)
    lossy = wire()
    lossy.set(first)
    lossy.set(second)
    assert lossy.is_on(second) and not lossy.is_on(first)
    assert only(lossy.reply(WRITTEN, 0)) == WRITTEN
