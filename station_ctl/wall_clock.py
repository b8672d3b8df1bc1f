"""The wall's clock, in UTC: for labels and for the life of commands, never for durations."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


source: ContextVar[Callable[[], datetime]] = ContextVar("wall clock", default=_system)
"""Who tells the time of day; the system, unless whoever runs the station brings another clock."""


def utc_now() -> datetime:
    """Now."""
    return source.get()()


def iso_ms(moment: datetime) -> str:
    """A moment as everything here writes it: 2026-01-31T07:05:09.123Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_text() -> str:
    """Now, as a label."""
    return iso_ms(utc_now())
