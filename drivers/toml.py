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
_LONGEST, _MOST_DOTS = 1 << 20, 200  # characters of a file; full stops of a line


def loads(text: str) -> dict[str, Any]:
    """The document. Raises TOMLDecodeError."""
    if len(text) > _LONGEST or any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise TOMLDecodeError(f"longer than {_LONGEST} characters, or a line with over {_MOST_DOTS} full stops")
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


def _check(value: object, levels: int) -> None:
    if isinstance(value, int) and not _LOWEST <= value <= _HIGHEST:
        raise TOMLDecodeError("a whole number does not fit 64 bits")
    if isinstance(value, (dict, list)):
        if levels == 0:
            raise TOMLDecodeError(f"nested deeper than {_DEEPEST} levels")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, levels - 1)
