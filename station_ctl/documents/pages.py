"""Which documents there are, written or compared; CI fails when one of them is stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from station_ctl.alarms import catalogue
from station_ctl.documents import alarms, charging, interlock, state_machine, station_toml, thermal_event

PAGES: dict[str, Callable[[], str]] = {
    "docs/alarms.md": lambda: alarms.text(catalogue.load()),
    "docs/state-machine.md": state_machine.text,
    "docs/thermal-event.md": thermal_event.text,
    "docs/cause-and-effect.md": interlock.text,
    "docs/charging.md": charging.text,
    "deploy/station.example.toml": station_toml.text,
}


def write(root: Path) -> None:
    """Write all documents below a folder."""
    for name, make in PAGES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(make(), encoding="utf-8")


def stale(root: Path) -> list[str]:
    """Names of documents below a folder that differ from what the tables say now."""
    return [n for n, make in PAGES.items() if not (root / n).exists() or (root / n).read_text("utf-8") != make()]
