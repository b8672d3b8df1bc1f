"""What really failed in a group of tasks."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.errors import StationError


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, or the one itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from leaves(part)
    else:
        yield error


def cause(group: BaseException) -> BaseException:
    """The first StationError of a group, which a person understands; the group itself if there is none."""
    return next((error for error in leaves(group) if isinstance(error, StationError)), group)
