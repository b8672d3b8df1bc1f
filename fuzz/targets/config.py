"""station.toml: a configuration that keeps every bound, or ConfigError.

An input is the file's text, or edits of the example (fuzz.edits).
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers import toml
from fuzz.edits import EDIT, TOML, edited
from fuzz.files import HOSTILE, ROOT, file, words_of
from fuzz.judge import finite, must
from fuzz.tape import Tape
from station_ctl.config import Config, ConfigError, load, parse
from station_ctl.limits import SafetySection

EXAMPLE = (ROOT / "deploy" / "station.example.toml").read_text(encoding="utf-8")
SMALL = "\n".join(line for line in EXAMPLE.splitlines() if line and not line.startswith("#"))
WORDS = words_of((EXAMPLE,))
_LOOSEST = SafetySection()
_DOCUMENT = toml.loads(EXAMPLE)


def one(data: bytes) -> None:
    """Judge one file."""
    try:
        edits = data[:1] == EDIT
        found = parse(edited(_DOCUMENT, Tape(data[1:]), TOML), "edited") if edits else load(file("station.toml", data))
    except ConfigError as e:
        must(bool(e.what and e.where), "a refusal that says nothing")
        return
    _judge(found)


def _judge(found: Config) -> None:
    for section in (found.station, found.robot, found.mqtt, found.swap, found.safety):
        for name, value in section:
            finite(name, value)
    for name, limit in found.safety:
        loosest = getattr(_LOOSEST, name)
        tightened = limit <= loosest or name == "insulation_ohm_per_v"
        must(tightened and (name != "insulation_ohm_per_v" or limit >= loosest), f"safety.{name} widened to {limit}")
    must(found.robot.lease_ms <= 500, "the lease is longer than the PLC's")
    must(parse(found.model_dump(), "again") == found, "it is another when it is read again")


def seeds() -> Iterator[bytes]:
    """The example, whole and without its comments, and with one line each left out or spoilt."""
    yield from HOSTILE
    yield from (EDIT + bytes([n, 0, n % 49, 0, n, n]) for n in range(0, 250, 5))
    yield EXAMPLE.encode()
    yield SMALL.encode()
    lines = SMALL.splitlines()
    for n, line in enumerate(lines):
        yield "\n".join(lines[:n] + lines[n + 1 :]).encode()
        if " = " in line:
            yield "\n".join([*lines[:n], line.split(" = ")[0] + " = 1e3", *lines[n + 1 :]]).encode()
