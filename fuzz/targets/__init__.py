"""What is fuzzed. Each module has `one(data)`, `seeds()` and `WORDS`, and imports nothing of the fuzzing engine.

one:   takes one input through production code and judges what came of it. Whatever it raises is a finding: it lets
       through only what the code under test documents.
seeds: inputs to begin with, from the project's own encoders and example files.
WORDS: texts and bytes that mean something to the code under test; the engine puts them into inputs.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Protocol, cast

NAMES = (
    "can", "transport", "modbus", "charger", "register_map", "mqtt", "config", "tables", "journal", "scenario",
    "blackbox",
)  # fmt: skip
"""In the order of docs/fuzzing.md."""


class Target(Protocol):
    """One module of this folder."""

    WORDS: tuple[bytes, ...]

    def one(self, data: bytes) -> None:
        """Judge one input; AssertionError or any exception is a finding."""

    def seeds(self) -> Iterator[bytes]:
        """Inputs to begin with."""


def find(name: str) -> Target:
    """The target of that name. KeyError for another one."""
    if name not in NAMES:
        raise KeyError(f"no target {name!r}; known: {', '.join(NAMES)}")
    return cast(Target, importlib.import_module(f"fuzz.targets.{name}"))
