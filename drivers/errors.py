"""The one family of errors: what happened, where, the value, the limit, what to do."""

from __future__ import annotations


class StationError(Exception):
    """Root of every error this project raises on purpose.

    what:   what happened, in one clause.
    where:  the device, file, key or topic it happened at.
    value:  the offending value, if there is one.
    limit:  what would have been accepted, if there is a limit.
    remedy: what a person can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str,
        value: object | None = None,
        limit: object | None = None,
        remedy: str = "",
    ) -> None:
        self.what = what
        self.where = where
        self.value = value
        self.limit = limit
        self.remedy = remedy
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The whole error as one line, as logs, the console and MQTT show it."""
        parts = [f"{self.where}: {self.what}"]
        if self.value is not None:
            parts.append(f"got {self.value!r}")
        if self.limit is not None:
            parts.append(f"accepted: {self.limit}")
        if self.remedy:
            parts.append(self.remedy)
        return "; ".join(parts)


class DeviceError(StationError):
    """A device could not be read or commanded. Retryable by the caller's own policy, never blindly."""


class LinkDown(DeviceError):
    """There is no connection to the device. Retryable: the driver reconnects by itself."""


class NoAnswer(DeviceError):
    """The device did not answer in time; whether it acted is unknown. Retry only what is idempotent."""


class DeviceRefused(DeviceError):
    """The device answered with an exception or an error code. Not retryable without a change."""


class MapMismatch(DeviceError):
    """The device speaks another register map or message profile than the one configured. Not retryable."""


class BadData(DeviceError):
    """Bytes from outside could not be decoded: wrong length, checksum, range or order. They are counted and dropped."""
