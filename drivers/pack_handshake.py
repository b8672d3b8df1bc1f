"""What the station says to one BMS, and when: the charger's side of the GB/T 27930 handshake, without I/O."""

from __future__ import annotations

import math

from drivers.dbc import catalogue
from drivers.pack_image import PackImage

PERIOD_S = 0.25
"""CHM and CRM repeat so (GB/T 27930)."""
PROBE_S = 1.0
"""A silent address gets one CHM so often: a BMS that waits for the charger's word begins then."""
STAGE_TIMEOUT_S = 5.0
"""No BRM, no BCP after it, or no BCS for so long: the handshake begins again (GB/T 27930)."""
CONFIRM_S = 1.0
"""After a serial changed without silence, BRM is asked for again so long: two packs on one address then show."""

_PACK = catalogue("pack")
CHM = _PACK.encode("CHM", {"version_minor": 1, "version_major": 1})
CRM_UNKNOWN = _PACK.encode("CRM", {"recognised": 0x00})
CRM_KNOWN = _PACK.encode("CRM", {"recognised": 0xAA})


class Handshake:
    """One address's handshake. phase_s shifts its sending against the other addresses'."""

    def __init__(self, phase_s: float) -> None:
        self.timeouts = 0
        self._phase_s = phase_s
        self._due_s = -math.inf
        self._stage: object = None
        self._stage_s = -math.inf
        self._confirm_until_s = -math.inf

    def confirm(self, now_s: float) -> None:
        """Another serial came without a silence between: ask again who is there."""
        self._confirm_until_s = now_s + CONFIRM_S

    def due(self, image: PackImage, now_s: float) -> list[tuple[str, bytes]]:
        """The messages (name, data) to send now; call often. May restart the image on a stage's time-out."""
        if image.silent:
            self._stage = None
        elif self._late(image, now_s):
            self.timeouts += 1
            image.restart()
        if now_s < self._due_s:
            return []
        first = self._due_s == -math.inf
        self._due_s = now_s + (PROBE_S if image.silent else PERIOD_S) + (self._phase_s if first else 0.0)
        return self._say(image, now_s)

    def hurry(self) -> None:
        """A BMS began to talk, or BRM is complete: answer at the next call, not a period later."""
        self._due_s = min(self._due_s, 0.0)

    def _say(self, image: PackImage, now_s: float) -> list[tuple[str, bytes]]:
        if image.silent:
            return [("CHM", CHM)]
        if not image.identified:
            invite = ("CRM", CRM_UNKNOWN)
            return [invite] if image.heard_at("BHM") > -math.inf else [("CHM", CHM), invite]
        if now_s < self._confirm_until_s:
            return [("CRM", CRM_UNKNOWN)]
        answered = image.heard_at("BCP") > image.heard_at("BRM")
        return [] if answered else [("CRM", CRM_KNOWN)]

    def _late(self, image: PackImage, now_s: float) -> bool:
        """True when the stage under way has lasted too long: handshake, parameters, or a BCS that stopped."""
        if not image.identified:
            stage: object = "BRM"
        elif image.heard_at("BCP") <= image.heard_at("BRM"):
            stage = "BCP"
        else:
            stage = image.heard_at("BCS")
        if stage != self._stage:
            self._stage, self._stage_s = stage, now_s
        if now_s - self._stage_s <= STAGE_TIMEOUT_S:
            return False
        self._stage = None
        return True
