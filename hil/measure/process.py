"""What another process of this machine uses, from /proc (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME = 11, 12  # fields 14 and 15 of /proc/<pid>/stat, counted after the name in brackets


def cpu_s(pid: int) -> float:
    """Processor time the process has used, user and system, in seconds. Raises OSError if it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS_PER_S


def resident_mb(pid: int) -> float:
    """The most memory the process ever had resident (VmHWM), in MB of 1,000,000 bytes. Raises OSError if it is gone."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6
