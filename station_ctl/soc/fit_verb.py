"""The verb `station-ctl soc fit`: a type from pulse tests and a slow cycle."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from station_ctl.soc import cell_type
from station_ctl.soc.outputs import OutputError, need, spare

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

_TEMPERATURES = re.compile(r"^-[0-9.]+(,-?[0-9.]+)*$")


def add_verb(verbs: Verbs) -> None:
    """Add `fit` to `station-ctl soc`."""
    fit = verbs.add_parser("fit", help="make a type from pulse tests and a slow cycle")
    fit.add_argument("runs", type=Path, nargs="+", help="measured runs, .npz with t, I, V, T, soc")
    fit.add_argument("--like", required=True, help="the type that gives all else, and the most trust")
    fit.add_argument("--cycle", type=Path, help="slow cycle that the curve is taken from")
    fit._negative_number_matcher = _TEMPERATURES  # noqa: SLF001 - else `--at -10,0,25` is taken for an option
    fit.add_argument("--at", required=True, help="temperatures in degC of the terms, as -10,0,10,25,40")
    fit.add_argument("--slow", action="store_true", help="also a slow resistor with a capacitor")
    fit.add_argument("--name", type=_name, help="of the type; without: the file's, less its suffix")
    fit.add_argument("--out", type=Path, required=True, help="type file to write")
    fit.add_argument("--report", type=Path, help="picture of what the fit leaves, .png")
    fit.set_defaults(handler=_fit)


def _name(text: str) -> str:
    if not re.fullmatch(cell_type.NAME, text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a type: 1 to 40 of a-z, 0-9 and -")
    return text


def _fit(arguments: argparse.Namespace) -> int:
    need("numpy", "scipy", *(["matplotlib"] if arguments.report else []))
    from station_ctl.soc import fit, fit_cycle, fit_report, fit_runs, fit_trust

    at_c = fit_runs.temperatures(arguments.at)
    if arguments.report and arguments.report.suffix != ".png":
        raise OutputError("is no picture", where="--report", value=str(arguments.report), limit=".png")
    spare((arguments.out, arguments.report), (*arguments.runs, arguments.cycle))
    first = cell_type.load(arguments.like)
    name = arguments.name or re.sub(r"[^a-z0-9]+", "-", arguments.out.stem.lower())[:40]
    source = f"station-ctl soc fit: {len(arguments.runs)} runs, {arguments.at} degC, like {first.name}"
    runs = [fit_runs.read_run(path, first) for path in arguments.runs]
    found, left = fit.fit(first, runs, at_c, slow=arguments.slow)
    if arguments.cycle:
        curve = fit_cycle.curve_from_cycle(fit_runs.read_run(arguments.cycle, first), found)
        first = first.model_copy(update={"curve": curve})
        found, left = fit.fit(first, runs, at_c, slow=arguments.slow)
    trust = fit_trust.believe(first, found, runs, slow=arguments.slow)
    found = found.model_copy(update={"trust": trust, "name": name, "source": source})
    text = fit_report.to_toml(found)
    cell_type.parse(text, str(arguments.out))  # what is written can be read
    sys.stdout.write(
        fit_report.table(left) + fit_report.trust_line(first.trust, trust) + fit_report.direction_line(runs)
    )
    try:
        arguments.out.write_text(text, encoding="utf-8")
        if arguments.report:
            fit_report.plot(arguments.report, found, runs)
    except OSError as e:
        raise OutputError("cannot be written", where="station-ctl soc fit", value=str(e)) from e
    return 0
