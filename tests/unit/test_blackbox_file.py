"""The file: what is whole is read whole; of what is damaged, the rest; anything else is refused with a clear error."""

from __future__ import annotations

import functools
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.pack_status import PackStatus
from drivers.truck_status import TruckStatus
from station_ctl.blackbox import file
from station_ctl.blackbox.blocks import CHUNK, FRAME, HEAD, MAGIC, MARK, block
from station_ctl.blackbox.file import BlackBoxError, Head, make, read
from station_ctl.blackbox.ring import Ring
from station_ctl.cycle import Cycle, Seen
from station_ctl.model.look import Snapshot
from station_ctl.model.places import bay
from station_ctl.model.state import StationState
from station_ctl.model.words import Reason
from tests.blackbox_support import Here

CYCLES = 250


def cycle(number: int) -> Cycle:
    snapshot = Snapshot(
        number / 20, None, f"silent {number % 7}", TruckStatus(), {bay(1): PackStatus(0xB1)}, {"a": "UP"}
    )
    state = StationState(reason=Reason("plc", f"silent {number % 7}"), step_since_s=float(number))
    return Cycle(state, Seen(snapshot, (), f"2026-01-01T00:00:{number:06d}"), after=state)


@functools.cache
def parts() -> tuple[Head, tuple[bytes, ...]]:
    """Head and chunks of 250 cycles."""
    ring = Ring(1000.0, 10_000, lambda: {"guard": {"n": 1, "x": float("nan")}}, Here())
    for number in range(CYCLES):
        ring.add(cycle(number), number / 20)
    chunks = tuple(chunk.result() for chunk in ring.chunks())
    head = Head(
        format=file.FORMAT,
        release="0.0",
        station="ST-1",
        at_utc="2026-01-01T00:00:00.000Z",
        why=("tripped",),
        config={"station": {"id": "ST-1"}},
        table_sha256="00",
        fields=ring.fields,
    )
    return head, chunks


@functools.cache
def whole() -> bytes:
    head, chunks = parts()
    return make(head, chunks)


def test_what_was_recorded_is_read_whole() -> None:
    found = read(whole())
    assert found.damage == () and found.unknown == ()
    assert found.head == parts()[0]
    assert list(found.cycles) == [cycle(number) for number in range(CYCLES)]
    assert [chunk.number for chunk in found.chunks] == [0, 1, 2]
    assert len(whole()) < CYCLES * 60


def test_a_file_that_was_cut_short_shows_what_came_before() -> None:
    data = whole()
    seen = set()
    ends = [data.find(MARK, at) for at in range(0, len(data), 500)]
    for length in sorted({0, 5, len(data) - 1, *range(0, len(data), 211), *(e for e in ends if e >= 0)}):
        try:
            found = read(data[:length])
        except BlackBoxError:
            seen.add(None)
            continue
        assert found.damage
        seen.add(len(list(found.cycles)))
    assert seen == {None, 0, 100, 200, 250}


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_flipped_bits_are_found_and_cost_one_chunk_at_most(at: int, flip: int) -> None:
    data = bytearray(whole())
    data[at % len(data)] ^= flip
    found = read(bytes(data))
    assert len(list(found.cycles)) in (150, 200, 250)
    if at % len(data) >= len(MAGIC):
        assert found.damage


@settings(max_examples=30)
@given(st.binary(max_size=200), st.integers(0, 10**6))
def test_bytes_that_do_not_belong_there_are_named_and_skipped(strange: bytes, at: int) -> None:
    data = whole()
    at %= len(data) + 1
    found = read(data[:at] + strange + data[at:])
    assert len(list(found.cycles)) in (150, 200, 250)


@given(st.binary(max_size=300), st.booleans())
def test_foreign_files_are_refused(data: bytes, with_magic: bool) -> None:
    with pytest.raises(BlackBoxError):
        read(MAGIC + data if with_magic else data)


payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["0", "1", "x"]), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=30)
@given(payloads, payloads, payloads)
def test_blocks_that_are_whole_and_hold_nonsense_are_named(number: object, memory: object, cycles: object) -> None:
    head, chunks = parts()
    strange = block(CHUNK, {"number": number, "memory": memory, "cycles": cycles})
    found = read(make(head, [strange, *chunks]))
    assert len(list(found.cycles)) == CYCLES
    assert found.damage


@given(payloads)
def test_a_head_of_nonsense_is_refused(content: object) -> None:
    with pytest.raises(BlackBoxError):
        read(MAGIC + block(HEAD, content) + block(HEAD, {"format": 1, "fields": content}))


def test_a_lost_chunk_is_named() -> None:
    head, chunks = parts()
    found = read(make(head, [chunks[0], chunks[2]]))
    assert found.damage == ("chunk 2 follows 0",)


def test_a_newer_format_and_a_longer_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    head, _ = parts()
    with pytest.raises(BlackBoxError, match="another format"):
        read(make(head.model_copy(update={"format": 2}), []))
    monkeypatch.setattr(file, "LARGEST", 10)
    with pytest.raises(BlackBoxError, match="too long"):
        read(whole())


def test_a_head_whose_records_lack_a_field_names_the_release() -> None:
    head, chunks = parts()
    names = {**head.fields, "Cycle": ["before"], "Snapshot": ["now_s"]}
    with pytest.raises(BlackBoxError, match="another release"):
        read(make(head.model_copy(update={"fields": names}), chunks))


def test_a_block_that_unpacks_to_too_much_is_refused() -> None:
    head, chunks = parts()
    bomb = zlib.compress(json.dumps({"number": 0, "memory": {}, "cycles": [" " * (1 << 25)]}).encode())
    framed = MARK + FRAME.pack(CHUNK, len(bomb), zlib.crc32(CHUNK + bomb)) + bomb
    found = read(make(head, [framed, *chunks]))
    assert any("does not unpack" in line for line in found.damage)


def test_the_ring_forgets_the_oldest_and_never_more_than_its_time() -> None:
    ring = Ring(20.0, 10_000, dict, Here())
    for number in range(3000):
        ring.add(cycle(number), number / 20)
    head, _ = parts()
    found = list(
        read(make(head.model_copy(update={"fields": ring.fields}), [c.result() for c in ring.chunks()])).cycles
    )
    assert 20.0 <= (len(found) - 1) / 20 <= 25.1
    assert found[-1] == cycle(2999)


def test_the_ring_is_bounded_in_cycles_and_when_its_worker_hangs() -> None:
    ring = Ring(1e9, 500, dict, Here())
    for number in range(3000):
        ring.add(cycle(number), 0.0)
    assert len(ring.chunks()) <= 6
    worker = Here()
    worker.hung = True
    ring = Ring(1e9, 100_000, dict, worker)
    for number in range(3000):
        ring.add(cycle(number), number / 20)
    assert ring.lost == 3000 - 1200
