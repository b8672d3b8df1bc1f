"""Where everything is said: `swap/v1/<station>/...`. The version in the path changes only with breaking changes."""

from __future__ import annotations

from dataclasses import dataclass

ROOT = "swap/v1"
MAX_TOPIC_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one station. `station` is the id of the configuration: none of + # / $ in it."""

    station: str

    @property
    def base(self) -> str:
        """Everything the station says or hears is below this."""
        return f"{ROOT}/{self.station}"

    @property
    def status(self) -> str:
        """Retained; also the last will: is the station there."""
        return f"{self.base}/status"

    @property
    def state(self) -> str:
        """Retained: state, mode, step and why it waits."""
        return f"{self.base}/state"

    def bay(self, number: int) -> str:
        """Retained: one bay and the pack in it."""
        return f"{self.base}/bay/{number}"

    @property
    def truck(self) -> str:
        """Retained: the truck in the lane."""
        return f"{self.base}/truck"

    @property
    def event(self) -> str:
        """What happened, once."""
        return f"{self.base}/event"

    def alarm(self, identifier: str) -> str:
        """Every change of one alarm, once."""
        return f"{self.base}/alarm/{identifier}"

    @property
    def alarms(self) -> str:
        """Retained: all alarms that are not plainly normal."""
        return f"{self.base}/alarms"

    @property
    def swap(self) -> str:
        """The record of each swap."""
        return f"{self.base}/swap"

    @property
    def metrics(self) -> str:
        """How well the controller itself runs, at 1 Hz."""
        return f"{self.base}/metrics"

    def command(self, verb: str) -> str:
        """Commands to the station; never retained. `+` gives the filter that the station subscribes to."""
        return f"{self.base}/cmd/{verb}"

    def reply(self, client: str) -> str:
        """Where the station answers `client`: give this as the MQTT 5 response topic."""
        return f"{self.base}/reply/{client}"

    def verb_of(self, topic: str) -> str | None:
        """The verb that a command topic names, None if it is no command topic of this station."""
        prefix = self.command("")
        return topic.removeprefix(prefix) if topic.startswith(prefix) else None

    def may_answer(self, topic: str | None) -> bool:
        """Whether a response topic is one we will publish to.

        A sender chooses it, so it must not make the station forge a state or a command: below `swap/` only this
        station's own `reply/` will do; wildcards and broker topics never.
        """
        if not topic or len(topic) > MAX_TOPIC_LENGTH or topic.startswith("$") or any(c in topic for c in "+#\0"):
            return False
        return topic.startswith(self.reply("")) or not topic.startswith("swap/")
