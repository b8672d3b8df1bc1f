"""Files of the bench: scenarios (first byte even) and stored regressions (odd)."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.errors import StationError
from fuzz.files import HOSTILE, ROOT, file, words_of
from fuzz.judge import must
from hil.scenario.load import load, shipped
from hil.soak import regression

WORDS = words_of(path.read_text(encoding="utf-8") for path in shipped()[:20])


def one(data: bytes) -> None:
    """Judge one file."""
    path = file("fuzzed.toml", data[1:])
    try:
        if data[:1] > b"" and data[0] & 1:
            case, _ = regression.load(path)
            must(case.duration_s > 0, "a run without a length")
        else:
            must(load(path).name == "fuzzed", "a scenario has the name of its file")
    except StationError as e:
        must(bool(e.what and e.where), "a refusal that says nothing")


def seeds() -> Iterator[bytes]:
    """Everything that is shipped."""
    for path in shipped():
        yield b"\0" + path.read_bytes()
    for path in sorted((ROOT / "tests" / "regressions").glob("*.toml")):
        yield b"\1" + path.read_bytes()
    for data in HOSTILE:
        yield b"\0" + data
        yield b"\1" + data
