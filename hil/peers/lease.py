"""How long a device goes on without the next command, and which commands count: the same rule for PLC and chargers."""

from __future__ import annotations

FROZEN_S = 0.25
"""A command that did not count, so late before the lease ran out: the controller hangs, the wire holds."""


class Lease:
    """Of one device. until_s: its end."""

    def __init__(self, until_s: float) -> None:
        self.until_s = until_s
        self._idle_s = float("-inf")  # the last command that did not count

    def counts(self, ahead: int, now_s: float, other_until_s: float = float("-inf")) -> bool:
        """Whether a command counts whose number is so far ahead of the last (hil.peers.plc_command.ahead).

        Once the lease is out, and the other one that hangs on the same number, any other number does: a new controller,
        or a power cut.
        """
        if 1 <= ahead <= 0x7FFF or (ahead != 0 and now_s >= max(self.until_s, other_until_s)):
            return True
        self._idle_s = now_s
        return False

    def renew(self, length_s: float, now_s: float) -> None:
        """A command has counted."""
        self.until_s = now_s + length_s

    def out(self, now_s: float) -> bool:
        """Whether it has run out."""
        return now_s >= self.until_s

    @property
    def frozen(self) -> bool:
        """Whether commands still came when it ran out, but did not count."""
        return self._idle_s >= self.until_s - FROZEN_S

    def remaining_ms(self, now_s: float) -> int:
        """What is left of it."""
        return max(0, round((self.until_s - now_s) * 1e3))
