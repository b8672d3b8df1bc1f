"""Commands from the uplink: taken by a cycle, answered with what it decided, followed until they are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from station_ctl.annunciator import VERBS, Annunciator
from station_ctl.model.motion import Order
from station_ctl.model.places import bay, mount
from station_ctl.model.state import Asked, StationState
from station_ctl.model.visit import Authorisation, Swap
from station_ctl.model.words import Verb
from station_ctl.plans import VERB as CHARGE_PLAN
from station_ctl.plans import Plans
from station_ctl.ports import UplinkPort
from station_ctl.swap import manual, verb_done
from station_ctl.uplink.admission import Admitted, age_s
from station_ctl.uplink.arguments import AuthoriseArguments, EvacuateArguments, JogArguments, StepArguments
from station_ctl.wall_clock import utc_now

TAKEN_A_CYCLE = 4


@dataclass(slots=True)
class Commands:
    """Commands that owe their sender an answer. taken: the first one yet; open: accepted, the last one yet.

    What is asked of an alarm goes to `alarms`, a charge plan to `plans`, which answer it: it is nothing that the swap
    decides.
    """

    uplink: UplinkPort
    alarms: Annunciator
    plans: Plans
    taken: list[Admitted] = field(default_factory=list)
    open: list[Admitted] = field(default_factory=list)

    def take(self, now_s: float) -> tuple[Asked, ...]:
        """Take at most four commands; what a cycle that failed had taken is rejected first."""
        self.plans.look(now_s)
        self.answer(["the control cycle failed before it was obeyed"] * len(self.taken))
        for _ in range(min(TAKEN_A_CYCLE, self.uplink.commands.qsize())):
            admitted = self.uplink.commands.get_nowait()
            if admitted.verb in VERBS:
                self.alarms.ask(admitted)
            elif admitted.verb == CHARGE_PLAN:
                self.plans.ask(admitted, now_s)
            else:
                self.taken.append(admitted)
        return tuple(_asked(admitted, now_s) for admitted in self.taken)

    def answer(self, refusals: Sequence[str]) -> None:
        """Tell the sender of each command taken: why it is refused, or '' for accepted."""
        taken, self.taken = self.taken, []
        for admitted, why in zip(taken, refusals, strict=True):
            self.uplink.answer(admitted, "rejected" if why else "accepted", why)
            if not why:
                self._supersede(Verb(admitted.verb))
                self.open.append(admitted)

    def follow(self, state: StationState, finished: Swap | None) -> None:
        """Answer commands that have come to their end."""
        for admitted in list(self.open):
            end = verb_done.done(Verb(admitted.verb), state, finished)
            if end is not None:
                self._close(admitted, *end)

    def _supersede(self, verb: Verb) -> None:
        """A new command ends an older one of its kind, and an abort ends every motion command."""
        for admitted in list(self.open):
            ends = admitted.verb == verb or (verb is Verb.ABORT and admitted.verb not in (Verb.AUTHORISE,))
            if ends:
                self._close(admitted, False, f"superseded by {verb}")

    def _close(self, admitted: Admitted, completed: bool, text: str) -> None:
        self.open.remove(admitted)
        self.uplink.answer(admitted, "completed" if completed else "failed", text)


def _asked(admitted: Admitted, now_s: float) -> Asked:
    issuer, given = admitted.command.issuer, admitted.command.arguments
    leave = None
    if isinstance(given, AuthoriseArguments):
        leave = Authorisation(given.vin, issuer, now_s, given.packs, given.soc_promised_pct)
    place = given.bay if isinstance(given, EvacuateArguments) else None
    return Asked(Verb(admitted.verb), issuer, leave, place, _order(given), age_s(admitted.command, utc_now()))


def _order(given: object) -> Order | None:
    if isinstance(given, JogArguments):
        return manual.jog(given.dx_mm, given.dy_mm)
    if isinstance(given, StepArguments):
        place = bay(given.bay) if given.bay is not None else mount(given.mount) if given.mount is not None else None
        return manual.order(given.motion, place)
    return None
