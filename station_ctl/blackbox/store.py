"""Black box files on disk: never more of them than configured. For a worker."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

SUFFIX = ".blackbox"


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
