"""One target under the fuzzing engine, in a process of its own; the only file that imports atheris.

python -m fuzz.engine TARGET [libFuzzer's arguments]
"""

from __future__ import annotations

import logging
import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

from fuzz import targets

WATCHED = [
    "drivers",
    "station_ctl",
    "hil.scenario",
    "hil.soak.regression",
    "hil.faults.catalogue",
    "tomllib",
    "pymodbus.framer",
    "pymodbus.pdu",
    "pymodbus.transaction",
]
"""Whose branches guide the search: ours, and the libraries' parsers that are written in Python."""


def main() -> None:
    """Fuzz until libFuzzer's limits are reached (exit status 0) or something was found (77)."""
    logging.disable(logging.CRITICAL)  # what is refused is logged, thousands of times a second
    with atheris.instrument_imports(include=WATCHED):
        target = targets.find(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
