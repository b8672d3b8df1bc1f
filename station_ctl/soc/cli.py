"""The verb `station-ctl soc`: `estimate` over a log, `fit` a type from measurements, `check` a type file."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.errors import StationError
from station_ctl.soc import cell_type, curves

if TYPE_CHECKING:
    from station_ctl.soc import estimate_log
    from station_ctl.soc.log import Log

    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


class ExtraMissing(StationError):
    """A library of the extra `soc` is not installed."""


class OutputError(StationError):
    """What was found cannot be written there."""


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
    candump.add_argument("--address", type=lambda text: int(text, 0), help="source address of the pack (J1939)")
    candump.add_argument("--interface", help="bus, if the log has several")
    estimate.add_argument("--type", required=True, help="a shipped pack type, or a .toml file")
    estimate.add_argument("--start", default="unknown", help="unknown, or a charge like 0.55+-0.03")
    estimate.add_argument("--out", type=Path, help="CSV file; without: standard output")
    estimate.add_argument("--plot", type=Path, help="picture, .png or .html")
    estimate.set_defaults(handler=_estimate)
    fit = inner.add_parser("fit", help="make a type from pulse tests and a slow cycle")
    fit.add_argument("runs", type=Path, nargs="+", help="measured runs, .npz with t, I, V, T, soc")
    fit.add_argument("--like", required=True, help="the type that gives name, capacity, curve, limits and trust")
    fit.add_argument("--cycle", type=Path, help="slow cycle that the curve is taken from")
    fit.add_argument("--at", required=True, help="temperatures in degC of the terms, as -10,0,10,25,40")
    fit.add_argument("--slow", action="store_true", help="also a slow resistor with a capacitor")
    fit.add_argument("--out", type=Path, required=True, help="type file to write")
    fit.add_argument("--report", type=Path, help="picture of what the fit leaves, .png")
    fit.set_defaults(handler=_fit)
    check = inner.add_parser("check", help="say whether a type file is good")
    check.add_argument("type")
    check.set_defaults(handler=_check)


def _need(*names: str) -> None:
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ExtraMissing(
            f"needs {', '.join(missing)}", where="station-ctl soc", remedy="pip install 'station-ctl[soc]'"
        )


def _estimate(arguments: argparse.Namespace) -> int:
    _need("numpy", *(["matplotlib"] if arguments.plot else []))
    from station_ctl.soc import estimate_log

    if arguments.plot and arguments.plot.suffix not in (".png", ".html"):
        raise OutputError("is no picture", where="--plot", value=str(arguments.plot), limit=".png or .html")
    known = estimate_log.start(arguments.start)
    found = cell_type.load(arguments.type)
    frames = _log(arguments, found.cells_in_series)
    answers = estimate_log.follow(found, frames, known)
    try:
        _write(arguments, frames, answers)
    except OSError as e:
        raise OutputError("cannot be written", where="station-ctl soc estimate", value=str(e)) from e
    return 0


def _write(arguments: argparse.Namespace, frames: Log, answers: estimate_log.Array) -> None:
    from station_ctl.soc import estimate_log

    if arguments.out:
        with arguments.out.open("w", encoding="utf-8") as file:
            estimate_log.write(file, frames, answers)
    else:
        estimate_log.write(sys.stdout, frames, answers)
    if arguments.plot:
        estimate_log.plot(arguments.plot, frames, answers)


def _log(arguments: argparse.Namespace, cells_in_series: int) -> Log:
    from station_ctl.soc import candump_log, log

    if arguments.dbc is None:
        return log.read(arguments.log)
    how = candump_log.How(arguments.dbc, tuple(arguments.signal), arguments.address, arguments.interface)
    return candump_log.read(arguments.log, how, cells_in_series)


def _fit(arguments: argparse.Namespace) -> int:
    _need("numpy", "scipy", *(["matplotlib"] if arguments.report else []))
    from station_ctl.soc import fit, fit_report, fit_runs

    try:
        at_c = [float(part) for part in arguments.at.split(",")]
    except ValueError as e:
        raise fit_runs.FitError("are no temperatures", where="--at", value=arguments.at) from e
    first = cell_type.load(arguments.like)
    runs = [fit_runs.read_run(path) for path in arguments.runs]
    found, left = fit.fit(first, runs, at_c, slow=arguments.slow)
    if arguments.cycle:
        curve = fit.curve_from_cycle(fit_runs.read_run(arguments.cycle), found)
        found, left = fit.fit(first.model_copy(update={"curve": curve}), runs, at_c, slow=arguments.slow)
    text = fit_report.to_toml(found)
    cell_type.parse(text, str(arguments.out))  # what is written can be read
    arguments.out.write_text(text, encoding="utf-8")
    sys.stdout.write(fit_report.table(left))
    if arguments.report:
        fit_report.plot(arguments.report, found, runs)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    found = cell_type.load(arguments.type)
    curves.kernel_type(found)
    sys.stdout.write(
        f"{found.name}: good; {found.capacity_ah:g} Ah, {found.cells_in_series} cells, "
        f"terms from {found.terms.at_c[0]:g} to {found.terms.at_c[-1]:g} degC\n"
    )
    return 0
