"""Whether a database's tables are those that our scripts make: a damaged schema changes what writing to them does.

One bit less in `PRIMARY KEY`, and a row that should replace another stands beside it: the next start reads the old one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing


def differing(db: sqlite3.Connection, scripts: Iterable[str]) -> str:
    """Name of the first table whose columns or keys are not as the scripts make them; '' if there is none."""
    with closing(sqlite3.connect(":memory:")) as good:
        for script in scripts:
            good.executescript(script)
        names = [name for (name,) in good.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return next((name for name in names if _form(db, name) != _form(good, name)), "")


def _form(db: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """Columns with type, whether they may be missing and their place in the key; and how many indices are unique."""
    columns: list[tuple[object, ...]] = db.execute(f"PRAGMA table_xinfo({table})").fetchall()
    unique = [row[2:4] for row in db.execute(f"PRAGMA index_list({table})")]
    return [*columns, ("unique", len(unique), *unique)]
