"""How long from a dangerous input to the stop on the wire, measured where the wire ends: in the PLC."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.reading import Signal
from drivers.robot_protocol import MotionClass
from hil.plant.inputs import Inputs

WATCHED = ("estop_released", "zone_clear", "doors_closed", "fire_clear", "platform_clear")
EVERY_MOTION = MotionClass(255)


@dataclass(slots=True)
class Danger:
    """One dangerous change. Times are of the event loop; permits are those that must go."""

    kind: str
    at_s: float
    permits: MotionClass
    stopped_at_s: float | None = None


class StopWatch:
    """Notes each dangerous change while something is permitted, and the write that withdraws the permit."""

    def __init__(self) -> None:
        self.dangers: list[Danger] = []
        self._safe = dict.fromkeys(WATCHED, True)
        self._permits = MotionClass(0)

    @property
    def stop_latencies_s(self) -> list[float]:
        """Of every danger that was answered, in order."""
        return [d.stopped_at_s - d.at_s for d in self.dangers if d.stopped_at_s is not None]

    @property
    def unanswered(self) -> list[Danger]:
        """Dangers whose stop has not come yet."""
        return [d for d in self.dangers if d.stopped_at_s is None]

    def seen(self, inputs: Inputs, permits: MotionClass, now_s: float) -> None:
        """The inputs as this scan puts them into the registers; permits: of the running motion, else all in force."""
        self._permits = permits
        for name in WATCHED:
            safe = getattr(inputs, name) is Signal.TRUE
            if self._safe[name] and not safe:
                self.note(name, now_s)
            self._safe[name] = safe

    def note(self, kind: str, now_s: float, to: MotionClass = EVERY_MOTION) -> None:
        """A danger, if one of the motions it is a danger `to` is permitted. Contactors come here from the CAN bus."""
        if self._permits & to:
            self.dangers.append(Danger(kind, now_s, self._permits))

    def written(self, permits: MotionClass, now_s: float) -> None:
        """A command block has arrived that permits this much (nothing, if it asks for a stop)."""
        for danger in self.dangers[-8:]:
            if danger.stopped_at_s is None and danger.permits & ~permits:
                danger.stopped_at_s = now_s
