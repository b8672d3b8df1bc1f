"""One look at the plant by one step, and what it can result in. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.motion import Order
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import Reason
from station_ctl.safety.guard import fitted_mounts


@dataclass(frozen=True, slots=True)
class Go:
    """The step is done: follow `trigger`. `state` carries what the step found out."""

    trigger: str
    state: StationState


@dataclass(frozen=True, slots=True)
class Give:
    """The step wants this order given."""

    order: Order


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do but wait, and why. `state` carries what the step found out meanwhile."""

    reason: Reason
    state: StationState | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Our own equipment does not go on by itself: a person has to decide."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Suspend:
    """Somebody outside has to act first; it goes on by itself afterwards."""

    reason: Reason
    state: StationState | None = None


Outcome = Go | Give | Wait | Hold | Suspend


def wait(code: str, text: str, state: StationState | None = None) -> Wait:
    """A Wait with its reason."""
    return Wait(Reason(code, text), state)


def hold(code: str, text: str) -> Hold:
    """A Hold with its reason."""
    return Hold(Reason(code, text))


def suspend(code: str, text: str, state: StationState | None = None) -> Suspend:
    """A Suspend with its reason."""
    return Suspend(Reason(code, text), state)


@dataclass(frozen=True, slots=True)
class Look:
    """What a step may look at."""

    state: StationState
    snapshot: Snapshot
    decision: Decision
    config: Config
    now_utc: str

    @property
    def now_s(self) -> float:
        """Event-loop time of the snapshot."""
        return self.snapshot.now_s

    @property
    def elapsed_s(self) -> float:
        """How long the step has run."""
        return self.now_s - self.state.step_since_s

    @property
    def swap(self) -> Swap:
        """The open swap; every step after `authorise` has one."""
        if self.state.swap is None:
            raise LookupError(f"step {self.state.step} without an open swap")
        return self.state.swap

    def mounts(self) -> tuple[int, ...]:
        """Mounts that the truck in the lane has."""
        return fitted_mounts(self.snapshot, tuple(sorted(m.number for m in self.config.mount)))
