"""The black box file: a magic line, then blocks that each carry their own checksum (docs/blackbox.md is the contract).

`read` is a pure function of bytes. It raises BlackBoxError for what is no black box, and nothing else; of a damaged
file it gives what can be read, and says what could not.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from drivers.errors import StationError
from station_ctl.blackbox.blocks import CHUNK, HEAD, MAGIC, TAIL, Block, block, blocks, unpacked
from station_ctl.blackbox.codec import Codec
from station_ctl.blackbox.kinds import Kind
from station_ctl.cycle import Cycle
from station_ctl.deciders import Memory

FORMAT = 1
_HEAD_BYTES, _CHUNK_BYTES = 1 << 20, 1 << 24  # unpacked; a larger one is not of ours
_CYCLES = 10_000
LARGEST = 1 << 26
"""A longer file is not of ours."""
_BAD = (ValueError, TypeError, LookupError, RecursionError, OverflowError, zlib.error)


class BlackBoxError(StationError):
    """A black box that cannot be read or written."""


class Head(BaseModel):
    """What the file is, and all that its cycles were decided with beside what they saw.

    why: the trips it was kept for, one line each, the first one first. fields: names of the fields of every kind of
    record, in the order of the file. table_sha256: of the tables of the deciders.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int
    release: str
    station: str
    at_utc: str
    why: tuple[str, ...]
    config: dict[str, Any]
    table_sha256: str
    fields: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some seconds of cycles. memory: what the deciders remembered before the first of them."""

    number: int
    memory: Mapping[str, Memory]
    cycles: tuple[Cycle, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that was read. damage: what of it could not be, a line each; whole: its end is there."""

    head: Head
    chunks: tuple[Chunk, ...]
    damage: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    @property
    def cycles(self) -> Iterator[Cycle]:
        """All cycles in order."""
        return (cycle for chunk in self.chunks for cycle in chunk.cycles)


def make(head: Head, chunks: Sequence[bytes]) -> bytes:
    """A whole file of chunk blocks. The head stands at both ends: one of them can be lost."""
    content = head.model_dump(mode="json")
    return b"".join([MAGIC, block(HEAD, content), *chunks, block(TAIL, content | {"chunks": len(chunks)})])


def read(data: bytes) -> Recording:
    """What a file holds. Raises BlackBoxError if it is none of ours, of another format, or has no readable head."""
    if len(data) > LARGEST:
        raise _error("is too long for a black box", f"{len(data)} bytes", f"{LARGEST} bytes")
    found, damage = blocks(data)
    head = _head(found, data)
    try:
        codec = Codec(head.fields)
        kind = codec.of(Cycle)
    except _BAD as e:
        raise _error("was written by another release", f"{head.release}: {e}") from e
    chunks = []
    for at, (what, payload) in found:
        if what == CHUNK:
            try:
                chunks.append(_chunk(kind, payload))
            except _BAD as e:
                damage.append(f"the block at byte {at} cannot be understood: {e!s:.200}")
    damage += [f"chunk {b.number} follows {a.number}" for a, b in pairwise(chunks) if _gap(a, b)]
    if not any(what == TAIL for _, (what, _) in found):
        damage.append("the end is missing: it was cut short")
    return Recording(head, tuple(chunks), tuple(damage), tuple(codec.unknown))


def _gap(before: Chunk, after: Chunk) -> bool:
    return after.number != before.number + 1


def _error(what: str, value: object = None, limit: object = None) -> BlackBoxError:
    remedy = "give a file that station-ctl wrote (.blackbox), whole, of this release or an older one"
    return BlackBoxError(what, where="black box", value=value, limit=limit, remedy=remedy)


def _head(found: list[Block], data: bytes) -> Head:
    """The first head that can be read."""
    newest = 0
    for _, (kind, payload) in found:
        if kind not in (HEAD, TAIL):
            continue
        try:
            content = unpacked(payload, _HEAD_BYTES)
            newest = content.get("format", 0) if isinstance(content, dict) else 0
            if newest == FORMAT:
                return Head.model_validate(content)
        except (*_BAD, ValidationError):
            continue
    if newest:
        raise _error("is of another format", newest, FORMAT)
    raise _error("has no readable head" if data.startswith(MAGIC) else "is no black box", f"{len(data)} bytes")


def _chunk(kind: Kind, payload: bytes) -> Chunk:
    content = unpacked(payload, _CHUNK_BYTES)
    if not isinstance(content, dict) or not isinstance(content["memory"], dict) or type(content["number"]) is not int:
        raise TypeError("is no chunk")
    first, *rest = content["cycles"]
    if len(rest) >= _CYCLES:
        raise ValueError(f"{len(rest)} cycles")
    cycles = [kind.read(first)]
    for change in rest:
        cycles.append(kind.follow(cycles[-1], change) if change is not None else cycles[-1])
    return Chunk(content["number"], content["memory"], tuple(cycles))
