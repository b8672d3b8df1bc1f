"""The standard scenarios order what they ordered before; a change is shown as a diff.

Meant? Then `make golden`, read the diff, and commit it with the change.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hil import golden

FOLDER = Path(__file__).parents[1] / "golden"


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.disable(logging.CRITICAL)


@pytest.mark.parametrize("name", golden.STANDARD)
def test_the_command_stream_is_as_kept(name: str) -> None:
    found = golden.stream(golden.play(name))
    assert found.count("\norder ") >= 4
    if difference := golden.difference(name, FOLDER, found):
        pytest.fail(f"\n{difference}", pytrace=False)


def test_every_kept_stream_is_of_a_standard_scenario() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(golden.STANDARD)
