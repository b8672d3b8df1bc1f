"""`station-console`: argument parsing and exit status; the work is in watch and send."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from drivers.errors import StationError
from drivers.mqtt_values import Endpoint, read_password
from station_ctl.console.alarms import show_alarms
from station_ctl.console.send import Request, make_request, read_plan, send
from station_ctl.console.watch import watch
from station_ctl.console.why import why
from station_ctl.uplink.requests import AT_ONCE, COMMANDS
from station_ctl.uplink.topics import Topics

USAGE_ERROR = 64  # argparse's own 2 would read as `failed`
INTERRUPTED = 130

_EXIT_STATUS = "exit status: 0 completed, 1 rejected, 2 failed, 3 no answer, 64 wrong usage"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = _make_parser()
    chosen = parser.parse_args(arguments)
    if chosen.action == "send" and chosen.verb in AT_ONCE and chosen.expect is None:
        parser.error(f"{chosen.verb} is for the station as you see it: add --expect Stopped or --expect Held")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return asyncio.run(_run(chosen))
    except StationError as e:
        sys.stderr.write(f"{parser.prog}: {e}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


async def _run(chosen: argparse.Namespace) -> int:
    endpoint, topics = _endpoint(chosen), Topics(chosen.station)
    if chosen.action == "why":
        return await why(endpoint, topics, as_json=chosen.json)
    if chosen.action == "watch":
        return await watch(endpoint, topics, as_json=chosen.json)
    if chosen.action == "alarms":
        return await show_alarms(endpoint, topics, chosen.timeout, as_json=chosen.json)
    return await send(endpoint, topics, _request(chosen), as_json=chosen.json)


def _endpoint(chosen: argparse.Namespace) -> Endpoint:
    return Endpoint(
        chosen.host, chosen.port, chosen.username, read_password(chosen.password_file), chosen.tls_ca, keepalive_s=10
    )


def _request(chosen: argparse.Namespace) -> Request:
    given = {"vin": chosen.vin, "packs": chosen.packs, "soc_promised_pct": chosen.soc}
    given |= {"bay": chosen.bay, "alarm": chosen.alarm, "minutes": chosen.minutes, "why": chosen.why}
    given |= {"motion": chosen.motion, "mount": chosen.mount, "dx_mm": chosen.dx, "dy_mm": chosen.dy}
    arguments = {key: value for key, value in given.items() if value is not None}
    arguments |= read_plan(chosen.plan) if chosen.plan is not None else {}
    return make_request(chosen.verb, arguments, chosen.expect, chosen.issuer or _who(), chosen.timeout)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in a container
        user = "console"
    return f"{user}@{platform.node()}"[:64]


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="station-console", description="Watch a swap station over MQTT and send it commands.")
    actions = parser.add_subparsers(dest="action", required=True)
    common = _common()
    actions.add_parser("why", parents=[common], help="one line: which condition stopped the robot, and what to do")
    actions.add_parser("watch", parents=[common], help="one line for each change of state and each event")
    listing = actions.add_parser("alarms", parents=[common], help="every alarm that is not normal, active ones first")
    listing.add_argument("--timeout", type=_positive, default=5.0, metavar="S", help="wait for the station's list")
    sending = actions.add_parser("send", parents=[common], help="send one command", epilog=_EXIT_STATUS)
    sending.add_argument("verb", choices=list(COMMANDS))
    sending.add_argument("--vin", help="authorise: vehicle identification number of the truck")
    sending.add_argument("--packs", type=int, metavar="N", help="authorise: how many packs to swap (default: all)")
    sending.add_argument("--soc", type=float, metavar="PCT", help="authorise: charge promised to the driver")
    sending.add_argument("--bay", type=int, metavar="N", help="evacuate, step: the bay")
    sending.add_argument("--mount", type=int, metavar="N", help="step: the mount")
    sending.add_argument("--motion", help="step: unlock, lock, lift, place, move, home, clamp or release")
    sending.add_argument("--dx", type=int, metavar="MM", help="jog: how far in x")
    sending.add_argument("--dy", type=int, metavar="MM", help="jog: how far in y")
    sending.add_argument("--plan", type=Path, metavar="FILE", help="charge_plan: the plan (docs/charging.md)")
    sending.add_argument("--alarm", metavar="ID", help="ack, shelve, unshelve, out_of_service, in_service: which alarm")
    sending.add_argument("--minutes", type=float, metavar="MIN", help="shelve: for how long")
    sending.add_argument("--why", help="out_of_service: the reason, for who comes after you")
    sending.add_argument("--expect", metavar="STATE", help="PackML state that it is meant for; step and jog need it")
    sending.add_argument("--timeout", type=_positive, default=30.0, metavar="S", help="wait for the last verdict")
    sending.add_argument("--issuer", metavar="NAME", help="who sends (default: user@host)")
    return parser


def _common() -> _Parser:
    common = _Parser(add_help=False)
    common.add_argument("--station", required=True, metavar="ID", help="id of the station, as in its [station] id")
    common.add_argument("--host", default="127.0.0.1", help="broker (default %(default)s)")
    common.add_argument("--port", type=int, default=1883, help="broker's port (default %(default)s)")
    common.add_argument("--username", help="user name at the broker")
    common.add_argument("--password-file", metavar="FILE", help="file with the password in its first line")
    common.add_argument("--tls-ca", metavar="FILE", help="certificate authority; given: the connection is TLS")
    common.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    return common


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError("must be over 0 and at most 86400 s")
    return value


if __name__ == "__main__":
    sys.exit(main())
