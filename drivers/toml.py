"""TOML from files that people edit: whatever is wrong with one is a TOMLDecodeError, and nothing else.

Python's own parser raises RecursionError for brackets nested a thousand deep and ValueError for a number of thousands
of digits, and takes minutes for a key of a hundred thousand parts (its time grows with their square); a whole number
beyond 64 bits, which the format does not promise to keep, is refused here too.
"""

from __future__ import annotations

import tomllib
from typing import Any

TOMLDecodeError = tomllib.TOMLDecodeError

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_DEEPEST = 32
_LONGEST, _MOST_DOTS = 1 << 20, 200  # characters of a file; full stops of a key


def loads(text: str) -> dict[str, Any]:
    """The document. Raises TOMLDecodeError."""
    if len(text) > _LONGEST:
        raise TOMLDecodeError(f"longer than {_LONGEST} characters")
    for number, line in enumerate(text.splitlines(), 1):
        if _dots(line) > _MOST_DOTS:
            raise TOMLDecodeError(f"a key, or a line with quotes, of over {_MOST_DOTS} full stops (at line {number})")
    try:
        document = tomllib.loads(text)
    except TOMLDecodeError:
        raise
    except RecursionError as e:
        raise TOMLDecodeError("nested too deep") from e
    except ValueError as e:
        raise TOMLDecodeError(f"a number is too long: {e}") from e
    _check(document, _DEEPEST)
    return document


def _dots(line: str) -> int:
    """Full stops that one key may have: a comma ends it unless it is quoted, so a row of numbers is no long key."""
    parts = [line] if '"' in line or "'" in line else line.split(",")
    return max(part.count(".") for part in parts)


def _check(value: object, levels: int) -> None:
    if isinstance(value, int) and not _LOWEST <= value <= _HIGHEST:
        raise TOMLDecodeError("a whole number does not fit 64 bits")
    if isinstance(value, (dict, list)):
        if levels == 0:
            raise TOMLDecodeError(f"nested deeper than {_DEEPEST} levels")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, levels - 1)
