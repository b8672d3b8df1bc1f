"""J1939 transport by itself, and the messages it carries.

First byte 0: records into one node (see `_alone`). 1: two nodes whose frames are lost, held back or doubled as the
input says; what arrives was sent. 2: a message's bytes, decoded and encoded again. 3: what a link's state is read from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from drivers.can_frame import Frame
from drivers.can_link import parse
from drivers.dbc import Catalogue, catalogue
from drivers.errors import BadData
from drivers.j1939 import GLOBAL_ADDRESS, TP_CM, TP_DT, build_id
from drivers.pack_messages import decode
from drivers.reading import Quality
from drivers.transport import Message, Output, Transport
from drivers.truck_image import TruckImage
from fuzz.judge import finite, must
from fuzz.tape import Tape

US, THEM = 0x56, 0xA1
MOST_RECORDS = 200
PACK = ("BHM", "BRM", "BCP", "BCL", "BCS", "BSM", "BST", "PMS", "BMV", "BMT")
TRUCK = ("TSC1", "TSC2", "VI")
WORDS = (*(bytes([head]) for head in (16, 17, 19, 32, 255)), b"\x00\x02\x00", b"\x09\x00\x02", b"\xf9\x06\xff")


def one(data: bytes) -> None:
    """Judge one input."""
    kinds = (_alone, _pair, _message, _link)
    tape = Tape(data)
    kinds[tape.byte() % len(kinds)](tape)


def _alone(tape: Tape) -> None:
    """Records: u8 time since the one before (10 ms), u8 what, and eight bytes for a frame; or a message to be sent."""
    node, now_s = Transport(US, max_sessions=4, max_queued=2), 0.0
    for _ in range(MOST_RECORDS):
        if not tape:
            break
        now_s += tape.byte() / 100
        what = tape.byte()
        if what & 0xC0 == 0xC0:
            out = node.send(tape.word(), what & 0x3F, tape.some(9 + tape.byte()).ljust(9), now_s)
        elif what & 0xC0 == 0x80:
            out = node.poll(now_s)
        else:
            pgn, destination = (TP_CM, TP_DT)[what & 1], (US, GLOBAL_ADDRESS)[what >> 1 & 1]
            out = node.receive(Frame(build_id(7, pgn, what >> 2 & 7, destination), tape.some(8)), now_s)
        _judge(node, out)
        if what == 0x3F:
            node.forget(tape.byte() & 7)


def _judge(node: Transport, out: Output) -> None:
    must(node.sessions <= 4, f"{node.sessions} sessions of at most 4")
    must(all(len(queue) <= 3 for queue in node._transmissions.values()), "the queue of one peer grows")
    must(len(out.frames) <= 16, f"{len(out.frames)} frames at once")
    must(all(len(frame.data) == 8 for frame in out.frames), "a transport frame is not of eight bytes")
    must(all(9 <= len(message.data) <= 1785 for message in out.messages), "a message of a length there is not")


def _pair(tape: Tape) -> None:
    """Four messages, and a wire that does to each frame what the next byte says."""
    ours, theirs, now_s = Transport(US), Transport(THEM), 0.0
    sent = {bytes((n + 7 * i) % 256 for i in range(9 + tape.word() % 500)) for n in range(1, 5)}
    wire: deque[tuple[Transport, Frame]] = deque()
    for message in sorted(sent):
        _put(wire, ours, theirs.send(0x0200 + message[0], US, message, now_s), set())
    for _ in range(MOST_RECORDS * 4):
        if not wire and not (ours.sessions or theirs.sessions or theirs._transmissions):
            break
        fate = tape.byte()
        now_s += 0.001 if fate < 0xF0 else (fate - 0xEF) / 10
        _put(wire, theirs, ours.poll(now_s), sent)
        _put(wire, ours, theirs.poll(now_s), sent)
        if wire and fate & 0xF != 0xF:
            node, frame = wire.popleft()
            other = theirs if node is ours else ours
            for _ in range(2 if fate & 0xF == 0xE else 1):
                _put(wire, other, node.receive(frame, now_s), sent)
        elif wire:
            wire.popleft()


def _put(wire: deque[tuple[Transport, Frame]], to: Transport, out: Output, sent: set[bytes]) -> None:
    wire.extend((to, frame) for frame in out.frames)
    must(len(wire) < 1000, "frames beget frames")
    for message in out.messages:
        must(isinstance(message, Message) and message.data in sent, f"{message.data[:20]!r} was not sent")
        must(message.pgn == 0x0200 + message.data[0], f"it was not sent as PGN {message.pgn:#x}")


def _message(tape: Tape) -> None:
    which, data = tape.byte(), tape.rest()
    if which & 0x80:
        name = TRUCK[(which & 0x7F) % len(TRUCK)]
        try:
            TruckImage().take(name, data, 0.0)
        except BadData:
            return
        if name != "VI":
            _again(catalogue("truck"), name, data)
        return
    name = PACK[which % len(PACK)]
    try:
        found = decode(name, data, 0.0)
    except BadData:
        return
    for key, reading in found.items():
        finite(key, reading.value)
    if name not in ("BMV", "BMT"):
        _again(catalogue("pack"), name, data)


def _again(file: Catalogue, name: str, data: bytes) -> None:
    """What was decoded and can be believed is the same when it is encoded and decoded again."""
    if len(data) < file.infos[name].length:
        return
    said = {key: sample for key, sample in file.decode(name, data).items() if sample[1] is Quality.GOOD}
    heard = file.decode(name, file.encode(name, {key: value for key, (value, _) in said.items()}))
    must(all(heard[key] == sample for key, sample in said.items()), f"{name}: {said} became {heard}")


def _link(tape: Tape) -> None:
    """An answer of the kernel's, cut or wrong: OSError and nothing else."""
    try:
        parse(tape.rest())
    except OSError:
        return


def seeds() -> Iterator[bytes]:
    """Whole transfers, losses, each message of the DBC files, an answer of the kernel's."""
    yield bytes([0, 1, 0, 16, 20, 0, 3, 16, 0, 2, 0] + [n for k in (1, 2, 3) for n in (1, 1, k, *range(7))])
    yield bytes([0, 1, 2, 32, 20, 0, 3, 255, 0, 2, 0] + [n for k in (1, 2, 3) for n in (1, 3, k, *range(7))])
    yield bytes([0, 1, 0xC0, 0, 2, 40]) + bytes(49) + bytes([1, 0, 17, 7, 1, 255, 255, 0, 2, 0, 1, 0x80])
    yield bytes([1, 100, 0, 200, 0, 9, 0, 255, 1]) + bytes(300)
    yield bytes([1, 100, 0, 200, 0, 9, 0, 255, 1]) + bytes([0, 0, 0, 15, 0, 14, 0, 0xFF] * 40)
    for n, name in enumerate(PACK[:8]):
        yield bytes([2, n]) + catalogue("pack").encode(name, {})
        yield bytes([2, n]) + bytes(catalogue("pack").infos[name].length)
    yield bytes([2, 8]) + bytes(range(40))
    yield bytes([2, 9]) + bytes(range(20))
    for n, name in enumerate(TRUCK[:2]):
        yield bytes([2, 0x80 | n]) + catalogue("truck").encode(name, {})
    yield bytes([2, 0x82]) + b"LZZ5CLSB8NA000001*"
    state = (b"\x08\x00\x04\x00\x03\x00\x00\x00", b"\x08\x00\x06\x00\x64\x00\x00\x00")
    data = b"".join(state)
    nested = (len(data) + 4).to_bytes(2, "little") + b"\x02\x00" + data
    yield b"\x03" + bytes(16) + (len(nested) + 4).to_bytes(2, "little") + b"\x12\x00" + nested
