"""`station-ctl replay FILE`: read a black box, decide it again, show what happened and the first difference."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from station_ctl import config
from station_ctl.blackbox import lines
from station_ctl.blackbox.box import table_sha256
from station_ctl.blackbox.file import BlackBoxError, Recording, read
from station_ctl.blackbox.replay import Difference, Replayed, replay
from station_ctl.blackbox.store import SUFFIX
from station_ctl.blackbox.trip import trip
from station_ctl.deciders import Deciders

SAME, DIFFERS, UNREADABLE = 0, 1, 2


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `replay` to station-ctl."""
    text = "read a black box file and decide it again; exit status 0 the same, 1 a difference, 2 not (wholly) readable"
    verb = verbs.add_parser("replay", help="show a black box file and decide it again", description=text)
    verb.add_argument("file", type=Path, help="a .blackbox file of this or an older release; a folder: its newest one")
    verb.add_argument("--all", action="store_true", help="every cycle, not only what changed")
    verb.add_argument("--config", type=Path, help="decide with this station.toml instead of the recorded one")
    verb.set_defaults(handler=main)


def main(arguments: argparse.Namespace) -> int:
    """The exit status. Raises BlackBoxError if nothing can be read, ConfigError for a configuration."""
    recording = read(_data(arguments.file))
    head = recording.head
    settings = config.load(arguments.config) if arguments.config else config.parse(head.config, "recorded config")
    deciders = Deciders.of(settings)
    _say(lines.cause_line(recording))
    for line in lines.head_lines(head, sum(1 for _ in recording.cycles), table_sha256()):
        _say(line)
    found = _show(recording, settings, deciders, every=arguments.all)
    for line in recording.damage:
        _say(f"DAMAGED: {line}")
    if recording.unknown:
        _say(f"not known to this release, left out: {', '.join(recording.unknown)}")
    if found is None:
        _say("decided again: the same")
        return UNREADABLE if recording.damage else SAME
    for line in _sides(*found):
        _say(line)
    return DIFFERS


def _data(path: Path) -> bytes:
    """The file, or the newest one of a folder."""
    try:
        if path.is_dir():
            path = max(path.glob(f"*{SUFFIX}"), key=lambda found: found.stat().st_mtime_ns)
        return path.read_bytes()
    except ValueError:
        raise BlackBoxError(f"holds no {SUFFIX} file", where=str(path), remedy="nothing has tripped yet") from None
    except OSError as e:
        raise BlackBoxError("cannot be read", where=str(path), value=str(e)) from e


def _show(
    recording: Recording, settings: config.Config, deciders: Deciders, *, every: bool
) -> tuple[Replayed, Difference, int] | None:
    """Print the time line; the first difference and how many cycles differ, None if none does."""
    line, first, count = lines.TimeLine(_trip_s(recording)), None, 0
    try:
        for done in replay(recording, settings, deciders):
            for text in [line.whole(done.cycle)] if every else line.changes(done.cycle):
                _say(text)
            if done.difference is not None:
                first, count = first or (done, done.difference), count + 1
    except ValueError as e:
        raise BlackBoxError("cannot be decided again by this release", where="black box", value=str(e)) from e
    return (*first, count) if first else None


def _trip_s(recording: Recording) -> float:
    """Event-loop time of the first trip, else of the last cycle."""
    before, last_s = None, 0.0
    for cycle in recording.cycles:
        last_s = cycle.seen.snapshot.now_s if cycle.seen else last_s
        if trip(before, cycle):
            break
        before = cycle
    return last_s


def _sides(done: Replayed, difference: Difference, count: int) -> list[str]:
    at = done.cycle.seen.now_utc if done.cycle.seen else "?"
    return [
        f"FIRST DIFFERENCE in cycle {done.number} at {at}: {difference.where}",
        f"  recorded: {difference.recorded}",
        f"  replayed: {difference.replayed}",
        f"{count} cycles differ",
    ]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
