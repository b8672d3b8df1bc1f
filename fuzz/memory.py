"""Where file targets write their thousands of files a second: in memory where there is some."""

from __future__ import annotations

import tempfile
from pathlib import Path

FOLDER = "FUZZ_FOLDER"
"""Environment variable that names the folder, where somebody else takes it away: the engine ends without tidying up."""


def folder() -> Path:
    """An empty folder."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))
