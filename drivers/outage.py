"""An outage of a device is logged once, however long it lasts, and so is its end."""

from __future__ import annotations

import logging

from drivers.errors import DeviceError, MapMismatch

log = logging.getLogger(__name__)


class Outage:
    """Of one device. what: how its log line begins; where: the device, for the line of its end."""

    def __init__(self, what: str, where: str) -> None:
        self._what, self._where = what, where
        self._said: type[DeviceError] | None = None  # why, as logged last; None while there is none

    def say(self, error: DeviceError) -> None:
        """There is one; a wrong map is logged also where the device was absent before."""
        if self._said is None or (isinstance(error, MapMismatch) and self._said is not MapMismatch):
            log.warning("%s: %s", self._what, error)
            self._said = type(error)

    def over(self) -> None:
        """The device is read again."""
        if self._said is not None:
            log.info("%s: its status is read again", self._where)
            self._said = None
