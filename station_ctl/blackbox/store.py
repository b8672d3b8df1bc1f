"""Black box files on disk: written whole or not at all, and never more of them than configured. For a worker."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

SUFFIX = ".blackbox"


def write(path: Path, data: bytes) -> None:
    """Replace the file: after a power cut there is the old one or the new one, whole. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)  # on a full disk it would be in the way of the next one
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def unused(folder: Path, name: str) -> Path:
    """A path for a new file: the wall clock may have been set back to a name that is taken."""
    path, number = folder / f"{name}{SUFFIX}", 2
    while path.exists():
        path, number = folder / f"{name}-{number}{SUFFIX}", number + 1
    return path


def newest(folder: Path, but: str) -> Path | None:
    """The file written last, None if there is none; `but`: a name that does not count."""
    found = [path for path in folder.glob(f"*{SUFFIX}") if path.name != but]
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def prune(folder: Path, keep: Collection[Path], files: int, size_mb: float) -> list[Path]:
    """Delete the oldest beyond a number of files or their size in MB; those of `keep` stay. The files deleted.

    Raises OSError.
    """
    found = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    kept = [path for path in found if path in keep]
    gone, count, size = [], len(kept), sum(path.stat().st_size for path in kept)
    for path in found:
        if path in kept:
            continue
        count, size = count + 1, size + path.stat().st_size
        if count > files or size > size_mb * 1e6:
            path.unlink()
            gone.append(path)
    return gone
