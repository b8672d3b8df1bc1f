"""For targets that are files: where they lie, and the text of those the project ships."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from fuzz.memory import FOLDER, folder

ROOT = Path(__file__).parent.parent


@functools.cache
def _room() -> Path:
    if given := os.environ.get(FOLDER):
        return Path(given)
    made = folder()
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def file(name: str, data: bytes) -> Path:
    """A file of that name with these bytes; the next call writes over it."""
    path = _room() / name
    path.write_bytes(data)
    return path


def gone(name: str) -> None:
    """No file of that name any more."""
    (_room() / name).unlink(missing_ok=True)


def words_of(texts: Iterable[str]) -> tuple[bytes, ...]:
    """The keys and the values of TOML texts, for the engine's dictionary."""
    found = {word for text in texts for word in re.findall(r"[A-Za-z_][A-Za-z0-9_.-]{2,40}|\[\[?[a-z_.]+\]\]?", text)}
    marks = (" = ", "true", "nan", "inf", "-1", "0x", "1e999", '"""', "'''", "{", "}", "[", "]", "[[", "\n[", "\\u0000")
    return tuple(word.encode() for word in (*sorted(found), *marks))[:400]


HOSTILE = (b"a = " + b"[" * 3000, b"a = " + b"9" * 5000, b"a = 0x" + b"f" * 5000, b"a." * 3000 + b"b = 1", b"\xff\xfe")
"""What TOML readers stumble over: brackets a thousand deep, numbers without an end, text that is none."""
