"""Commands from the uplink: refused or obeyed in the cycle they are taken, followed until they are done."""

from __future__ import annotations

from dataclasses import dataclass, field

from station_ctl.model import Authorisation, Snapshot, StationState, Swap, Verb
from station_ctl.ports import UplinkPort
from station_ctl.swap import verbs
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.messages import AuthoriseArguments

TAKEN_A_CYCLE = 4


@dataclass(slots=True)
class Commands:
    """Accepted commands that owe their sender a last answer."""

    uplink: UplinkPort
    open: list[Admitted] = field(default_factory=list)

    def take(self, state: StationState, snapshot: Snapshot) -> StationState:
        """Take at most four commands; each gets accepted or rejected at once."""
        for _ in range(min(TAKEN_A_CYCLE, self.uplink.commands.qsize())):
            state = self._obey(self.uplink.commands.get_nowait(), state, snapshot)
        return state

    def follow(self, state: StationState, finished: Swap | None) -> None:
        """Answer commands that have come to their end."""
        for admitted in list(self.open):
            end = verbs.done(Verb(admitted.verb), state, finished)
            if end is not None:
                self._close(admitted, *end)

    def _obey(self, admitted: Admitted, state: StationState, snapshot: Snapshot) -> StationState:
        verb, issuer = Verb(admitted.verb), admitted.command.issuer
        leave = _authorisation(admitted, snapshot.now_s)
        if why := verbs.refusal(verb, state, snapshot.robot, leave):
            self.uplink.answer(admitted, "rejected", why)
            return state
        self.uplink.answer(admitted, "accepted")
        self._supersede(verb)
        self.open.append(admitted)
        return verbs.obey(verb, state, snapshot.robot, leave, issuer, snapshot.now_s)

    def _supersede(self, verb: Verb) -> None:
        """A new command ends an older one of its kind, and an abort ends every motion command."""
        for admitted in list(self.open):
            ends = admitted.verb == verb or (verb is Verb.ABORT and admitted.verb not in (Verb.AUTHORISE,))
            if ends:
                self._close(admitted, False, f"superseded by {verb}")

    def _close(self, admitted: Admitted, completed: bool, text: str) -> None:
        self.open.remove(admitted)
        self.uplink.answer(admitted, "completed" if completed else "failed", text)


def _authorisation(admitted: Admitted, now_s: float) -> Authorisation | None:
    asked = admitted.command.arguments
    if not isinstance(asked, AuthoriseArguments):
        return None
    return Authorisation(asked.vin, admitted.command.issuer, now_s, asked.packs, asked.soc_promised_pct)
