"""Arguments of a request to the sim: each is asked for by name and kind, none may be left over."""

from __future__ import annotations

import difflib
from typing import Any

from drivers.errors import StationError
from drivers.reading import Signal

MISSING = object()


class RequestError(StationError):
    """A harness asked for something there is not, or with the wrong arguments; nothing was done."""


class Args:
    """The arguments of one request; `take` removes them one by one, what is left over is unknown."""

    def __init__(self, verb: str, values: dict[str, Any]) -> None:
        self._verb, self._values = verb, dict(values)
        self._taken: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = MISSING) -> Any:
        """The argument, or its default. Raises RequestError if it is missing or of another kind."""
        self._taken.append(key)
        value = self._values.pop(key, default)
        if value is MISSING:
            raise RequestError(f"{key} is missing", where=self._verb)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if value is not default and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            names = " or ".join(k.__name__ for k in kinds)
            raise RequestError(f"{key} is of the wrong kind", where=self._verb, value=value, limit=names)
        return value

    def number(self, key: str, default: float) -> float:
        """A number."""
        return float(self.take(key, (int, float), default))

    def signal(self, key: str, default: Any = MISSING) -> Signal:
        """true, false, 'untrusted' or 'not_available'."""
        value = self.take(key, (bool, str), default)
        if isinstance(value, bool):
            return Signal(value)
        try:
            return Signal[str(value).upper()]
        except KeyError:
            limit = "true, false, 'untrusted', 'not_available'"
            raise RequestError(f"{key} is no signal", where=self._verb, value=value, limit=limit) from None

    def done(self) -> None:
        """Raises RequestError if an argument is left over."""
        for key in self._values:
            near = difflib.get_close_matches(key, self._taken, 1, 0.4)
            remedy = f"nearest: {near[0]}" if near else f"known: {', '.join(self._taken) or 'none'}"
            raise RequestError(f"{key} is not an argument", where=self._verb, remedy=remedy)
