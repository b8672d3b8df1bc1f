"""The verb `station-ctl soc`: `estimate` over a log, `check` a type file; `fit` is `fit_verb`'s."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from station_ctl.soc import cell_type, curves, fit_verb
from station_ctl.soc.outputs import OutputError, need, spare

if TYPE_CHECKING:
    from station_ctl.soc import estimate_log
    from station_ctl.soc.log import Log

    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def add_verb(sub: Verbs) -> None:
    """Add `soc` to station-ctl."""
    verbs = sub.add_parser("soc", help="charge of packs: estimate from a log, fit a type, check a type file")
    inner = verbs.add_subparsers(dest="soc_verb", required=True)
    estimate = inner.add_parser("estimate", help="the charge over a log")
    estimate.add_argument("log", type=Path, help=".npz or .csv with t, I, V and optional T, valid, I_meter; candump")
    candump = estimate.add_argument_group("a candump log")
    candump.add_argument("--dbc", help="`pack` for packs as this station knows them, or a .dbc file with --signal")
    candump.add_argument(
        "--signal",
        action="append",
        default=[],
        help="I=NAME, V_pack=NAME or V=NAME (a cell), T=NAME, "
        "I_meter=NAME; NAME or MESSAGE.NAME, -NAME: a current that is negative while charging",
    )
    candump.add_argument("--address", type=_address, help="source address of the pack (J1939)")
    candump.add_argument("--interface", help="bus, if the log has several")
    estimate.add_argument("--type", required=True, help="a shipped pack type, or a .toml file")
    estimate.add_argument("--start", default="unknown", help="unknown, or a charge like 0.55+-0.03")
    estimate.add_argument("--out", type=Path, help="CSV file; without: standard output")
    estimate.add_argument("--plot", type=Path, help="picture, .png or .html")
    estimate.set_defaults(handler=_estimate)
    fit_verb.add_verb(inner)
    check = inner.add_parser("check", help="say whether a type file is good")
    check.add_argument("type")
    check.set_defaults(handler=_check)


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as e:
        raise argparse.ArgumentTypeError(f"{text!r} is no address like 0xE4") from e


def _estimate(arguments: argparse.Namespace) -> int:
    need("numpy", *(["matplotlib"] if arguments.plot else []))
    from station_ctl.soc import estimate_log, plausible

    if arguments.plot and arguments.plot.suffix not in (".png", ".html"):
        raise OutputError("is no picture", where="--plot", value=str(arguments.plot), limit=".png or .html")
    spare((arguments.out, arguments.plot), (arguments.log, arguments.type, arguments.dbc))
    known = estimate_log.start(arguments.start)
    found = cell_type.load(arguments.type)
    frames = _log(arguments, found.cells_in_series)
    plausible.check(frames, found, str(arguments.log))
    answers = estimate_log.follow(found, frames, known)
    try:
        _write(arguments, found.name, frames, answers)
    except BrokenPipeError:
        raise  # the reader has seen enough, as `| head` does
    except OSError as e:
        raise OutputError("cannot be written", where="station-ctl soc estimate", value=str(e)) from e
    return 0


def _write(arguments: argparse.Namespace, of: str, frames: Log, answers: estimate_log.Array) -> None:
    from station_ctl.soc import estimate_log

    if arguments.out:
        with arguments.out.open("w", encoding="utf-8") as file:
            estimate_log.write(file, frames, answers)
    else:
        estimate_log.write(sys.stdout, frames, answers)
    if arguments.plot:
        estimate_log.plot(arguments.plot, f"{arguments.log.name}, type {of}, start {arguments.start}", frames, answers)


def _log(arguments: argparse.Namespace, cells_in_series: int) -> Log:
    from station_ctl.soc import candump_log, log, log_files

    if arguments.dbc is None:
        if arguments.signal or arguments.address is not None or arguments.interface:
            raise log.LogError(
                "are of a candump log", where="--signal, --address and --interface", remedy="give its --dbc"
            )
        return log_files.read(arguments.log)
    how = candump_log.How(arguments.dbc, tuple(arguments.signal), arguments.address, arguments.interface)
    return candump_log.read(arguments.log, how, cells_in_series)


def _check(arguments: argparse.Namespace) -> int:
    found = cell_type.load(arguments.type)
    curves.kernel_type(found)
    sys.stdout.write(
        f"{found.name}: good; {found.capacity_ah:g} Ah, {found.cells_in_series} cells, "
        f"terms from {found.terms.at_c[0]:g} to {found.terms.at_c[-1]:g} degC, "
        f"coasts below {curves.coldest_c(found):g} degC\n"
    )
    return 0
