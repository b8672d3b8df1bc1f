"""These tests need a kernel with CAN devices, and root: `make test-system` brings both (docs/testing-can.md)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GROUND = os.environ.get("STATION_CAN", "")
"""Set by the Makefile: `vcan` (vcan and slcan) or `hw` (can0 and can1 on one bus). Then nothing is skipped for lack."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what this ground cannot carry."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            wanted = "hw" if item.path.stem == "test_can_hardware" else "vcan"
            if wanted != GROUND:
                target = "test-canhw" if wanted == "hw" else "test-system"
                item.add_marker(pytest.mark.skip(reason=f"needs a kernel with CAN devices: make {target}"))
