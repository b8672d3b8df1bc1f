"""Lines for whoever runs a target."""

from __future__ import annotations

import sys


def say(*lines: str) -> None:
    """Print the lines now, also when the output is a file."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
