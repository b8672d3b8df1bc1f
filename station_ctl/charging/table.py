"""The cause table of the bays' supplies."""

from __future__ import annotations

import functools
import tomllib
from enum import IntFlag
from importlib import resources

from station_ctl.safety import table
from station_ctl.safety.table import Table

FILE = "charging.toml"


class Effect(IntFlag):
    """The one thing a bay's interlock can withhold."""

    CHARGE = 1


@functools.cache
def load() -> Table:
    """The shipped table. Raises TableError naming the row for a missing, unknown, doubled or contradicting field."""
    text = resources.files("station_ctl.charging").joinpath(FILE).read_text(encoding="utf-8")
    return table.parse(tomllib.loads(text), Effect.__members__, FILE)
