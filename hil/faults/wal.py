"""The write-ahead log of SQLite, as far as a torn write needs it (sqlite.org/fileformat2.html, section 4)."""

from __future__ import annotations

import struct

HEADER_BYTES, FRAME_HEAD_BYTES = 32, 24
MAGICS = (0x377F0682, 0x377F0683)
HEADER, FRAME_HEAD = struct.Struct(">8I"), struct.Struct(">6I")


def last_transaction(wal: bytes) -> range | None:
    """The bytes of the last transaction that was committed; None if the log holds none.

    Frames of before the log was begun anew have other salts: they are none of it.
    """
    if len(wal) < HEADER_BYTES:
        return None
    magic, _, page_bytes, _, *salts, _, _ = HEADER.unpack_from(wal)
    if magic not in MAGICS:
        return None
    size, at, begun, found = FRAME_HEAD_BYTES + page_bytes, HEADER_BYTES, HEADER_BYTES, None
    while at + size <= len(wal):
        _, pages_after_commit, *frame_salts, _, _ = FRAME_HEAD.unpack_from(wal, at)
        if frame_salts != salts:
            break
        at += size
        if pages_after_commit:
            found, begun = range(begun, at), at
    return found
