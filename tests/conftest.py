"""Settings that hold for all tests."""

from __future__ import annotations

import asyncio.constants
import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# What a shared assertion compared is told like a test's own.
pytest.register_assert_rewrite(
    "tests.integration", "tests.simulation", "tests.system", "tests.support", "tests.can_support"
)

# Shared machines stall: the time an example takes says nothing of the code. In CI the examples are the same each run.
settings.register_profile(
    "shared",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("shared")

# asyncio's debug mode (tests.support.run) notes where each callback was made; reading ten frames each costs more than
# the callback itself. All its checks stay.
vars(asyncio.constants)["DEBUG_STACK_DEPTH"] = 2


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a test silences is heard again by the next."""
    loggers = [logging.getLogger(), logging.getLogger("station_ctl")]
    before = [logger.level for logger in loggers]
    yield
    logging.disable(logging.NOTSET)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
