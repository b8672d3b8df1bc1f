"""The configuration of a virtual station: embedded defaults, addresses that exist in memory only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hil.plant.cells import PACK_TYPE
from station_ctl import config

BAYS = 8


def station_config(
    folder: Path,
    *,
    bays: int = BAYS,
    period_ms: int = 50,
    poll_ms: int = 50,
    grid_kw: float | None = None,
    soc: bool = False,
    **sections: Any,
) -> config.Config:
    """So many ordinary bays and one isolation area, three mounts, the journal in `folder`; other sections as given.

    grid_kw: given, every ordinary bay has a charger and a meter, the connection point a meter and this limit.
    soc: the charge estimator is on.
    """
    places: list[dict[str, Any]] = [
        {"number": n, "can_address": 0xB0 + n, "isolation": n > bays} for n in range(1, bays + 2)
    ]
    if soc:
        sections = {"soc": {"type": PACK_TYPE}, **sections}
    if grid_kw is not None:
        sections = {"grid": {"limit_kw": grid_kw, "meter": {"host": "grid"}}, **sections}
        for place in places[:bays]:
            host = f"charger-{place['number']}"
            place |= {"charger": {"host": host}, "meter": {"host": host, "unit": 2}}
    return config.parse(
        {
            "station": {"id": "VIRTUAL-01", "journal": str(folder / "journal.db"), "period_ms": period_ms},
            "robot": {"host": "plc", "poll_ms": poll_ms},
            "can": [{"name": "packs"}],
            "bay": places,
            "mount": [{"number": n, "can_address": 0xA0 + n} for n in (1, 2, 3)],
            "issuer": [{"name": f"{role}-*", "roles": ["operator", role]} for role in ("supervisor", "service")],
            **sections,
        },
        "virtual ground",
    )
