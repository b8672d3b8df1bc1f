"""What pydantic finds wrong with a TOML file, in words and with the line it stands in."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hil.scenario.words import nearest

Loc = tuple[int | str, ...]


def first(error: ValidationError) -> tuple[ErrorDetails, str]:
    """The error to show, and how many more there are. A list emptied by what is wrong in it, or a missing key, last."""
    errors = error.errors(include_url=False)
    errors.sort(key=lambda e: e["type"] in ("missing", "too_short"))
    return errors[0], f"{len(errors) - 1} more to mend" if len(errors) > 1 else ""


def in_words(error: ErrorDetails, spot: Loc, known: Sequence[str]) -> tuple[str, object, str]:
    """What is wrong, the value, and what would be right. spot: where; known: the keys that may stand there."""
    key = ".".join(str(part) for part in spot if not isinstance(part, int))
    name, value = str(error["loc"][-1]) if error["loc"] else "the file", error["input"]
    if error["type"] == "extra_forbidden":
        return f"{name} is not known here", None, nearest(name, known)
    if error["type"] == "missing":
        return f"{name} is missing", None, ""
    if error["type"] == "unknown_word":
        what, _, remedy = error["msg"].partition("; ")
        return f"{key}: {what}", _plain(value), remedy
    if words := _listed(error):
        tag = error.get("ctx", {}).get("tag", value)
        return f"{key}: unknown word", tag, nearest(str(tag), words)
    return f"{key or name}: {error['msg'].removeprefix('Value error, ')}", _plain(value), ""


def _listed(error: ErrorDetails) -> list[str]:
    """The words that would have been accepted, where pydantic lists them."""
    listed = {"literal_error": "expected", "union_tag_invalid": "expected_tags"}.get(error["type"], "")
    return [ast.literal_eval(word) for word in re.findall(r"'[^']*'", str(error.get("ctx", {}).get(listed, "")))]


def spot_of(loc: Loc, document: Any) -> Loc:
    """The keys and indices of an error that the file has; pydantic puts the names of a union's members between."""
    spot: list[int | str] = []
    for part in loc:
        inside = isinstance(document, Mapping) and part in document
        if inside or (isinstance(document, list) and isinstance(part, int) and part < len(document)):
            document = document[part]
            spot.append(part)
    return tuple(spot)


def line_of(spot: Loc, found: Mapping[Loc, int]) -> int:
    """The line of a spot, or of the nearest thing around it."""
    while spot and spot not in found:
        spot = spot[:-1]
    return found.get(spot, 1)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, bool)) else value[:80] if isinstance(value, str) else None
