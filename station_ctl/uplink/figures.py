"""How the uplink is doing, in the few figures that the controller itself acts upon."""

from __future__ import annotations

from typing import NamedTuple


class UplinkFigures(NamedTuple):
    """connected: the broker is there. rejected: commands not let in, dropped: messages lost, since the start."""

    connected: bool = True
    rejected: int = 0
    dropped: int = 0
