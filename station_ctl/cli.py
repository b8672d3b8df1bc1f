"""`station-ctl`: run the service, check a configuration, write the generated documents; the bench adds verbs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

from drivers.errors import StationError
from station_ctl import __version__, config, service
from station_ctl.advice import advice
from station_ctl.blackbox import cli as blackbox
from station_ctl.documents import pages
from station_ctl.soc import cli as soc


def main(argv: list[str] | None = None) -> int:
    """Entry point. Exit status: 0 good, 2 for a configuration or start that is refused."""
    parser = argparse.ArgumentParser(prog="station-ctl", description="Controller of a truck battery swap station.")
    parser.add_argument("--version", action="version", version=__version__)
    sub = parser.add_subparsers(dest="verb", required=True)
    for name, handler, text in (
        ("run", _run, "run the service until SIGTERM"),
        ("check-config", _check, "check a configuration file and say what it means"),
    ):
        verb = sub.add_parser(name, help=text)
        verb.add_argument("--config", type=Path, required=True, help="station.toml")
        verb.set_defaults(handler=handler)
    docs = sub.add_parser("documents", help="write the generated documents, or check that they are current")
    docs.add_argument("folder", type=Path)
    docs.add_argument("--check", action="store_true")
    docs.set_defaults(handler=_documents)
    blackbox.add_verb(sub)
    soc.add_verb(sub)
    for entry in entry_points(group="station_ctl.verbs"):
        entry.load()(sub)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.handler(arguments)
    except StationError as e:
        sys.stderr.write(f"station-ctl: {e}\n")
        return 2
    except BrokenPipeError:  # the reader has seen enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _run(arguments: argparse.Namespace) -> int:
    # stderr, which systemd hands to the journal with its own time stamps
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    asyncio.run(service.run(config.load(arguments.config)))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    found = config.load(arguments.config)
    service.check(found)
    isolation = sum(b.isolation for b in found.bay)
    sys.stdout.write(
        f"{arguments.config}: good\n"
        f"station {found.station.id}: {len(found.bay)} bays ({isolation} isolation), {len(found.mount)} mounts, "
        f"cycle {found.station.period_ms} ms\n"
        f"robot PLC {found.robot.host}:{found.robot.port}, map {found.robot.register_map}; "
        f"CAN {', '.join(f'{c.name} on {c.interface} {c.channel}' for c in found.can)}; "
        f"MQTT {found.mqtt.host}:{found.mqtt.port}\n"
    )
    for line in advice(found):
        sys.stdout.write(f"warning: {line}\n")
    return 0


def _documents(arguments: argparse.Namespace) -> int:
    stale = pages.stale(arguments.folder)
    if not arguments.check:
        pages.write(arguments.folder)
        return 0
    for name in stale:
        sys.stderr.write(
            f"station-ctl: {arguments.folder / name} is stale; run `station-ctl documents {arguments.folder}`\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
