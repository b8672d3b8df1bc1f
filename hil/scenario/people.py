"""The people of a scenario: the one at the console, and the drivers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hil.ground import Ground
from hil.rig.operator import Operator
from hil.rig.person import Person, lane_free
from hil.scenario import people_steps as m
from hil.scenario.failed import Failed, said
from station_ctl.uplink.admission import Command, life_max_s
from station_ctl.uplink.requests import AT_ONCE, ReplyMessage, Verb
from station_ctl.uplink.state_messages import StateMessage

ENDS = ("completed", "failed")
UP: tuple[Verb, ...] = ("clear", "reset")
"""What a person does with an aborted station, once the place is safe."""


class People:
    """Their steps. note keeps an event: its kind and its text. All raise RigError for an answer that does not come."""

    def __init__(self, ground: Ground, note: Callable[[str, str], None]) -> None:
        self._ground, self._note = ground, note
        self._person = Person(ground.operator)
        self._sent: dict[Verb, Command] = {}
        self._trucks = 0

    async def truck(self, step: m.TruckStep) -> None:
        """A truck drives in on nobody's heels, authorised before it comes."""
        self._trucks += 1
        truck = step.truck
        vin = truck.vin or f"LTESTTRUCK{self._trucks:07d}"
        await lane_free(self._ground.operator)
        if truck.authorised:
            await self.send(m.SendStep(send="authorise", verdict="accepted", vin=vin))
        serials = [f"TRK{self._trucks}-{n:08d}" for n in range(1, truck.mounts + 1)]
        parked = truck.model_dump(exclude={"vin", "authorised"}, exclude_none=True)
        await self._ground.ask("truck_arrives", vin=vin, serials=serials, **parked)
        self._note("plant", f"truck {vin} with {', '.join(serials)} drives in")

    async def send(self, step: m.SendStep) -> None:
        """A command, and its verdict. Raises Failed for another verdict."""
        operator, verb = self._ground.operator, step.send
        if step.again and verb not in self._sent:
            raise Failed("no such command was sent before")
        command = self._sent[verb] if step.again else self._command(step)
        answers = ("", command.id) if step.retained else (command.id,)  # a retained one is refused before it is read
        before, self._sent[verb] = len(_replies(operator, answers)), command
        self._note("sent", said(step))
        await operator.publish(verb, command, step.retained)
        wanted = ("rejected", "accepted") if step.verdict == "accepted" else ("rejected", *ENDS)
        wanted = (*wanted, "accepted") if step.again else wanted
        reply = await operator.until(
            lambda: _reply(operator, answers, wanted, before), step.within_s, f"verdict of {verb}"
        )
        _judge(reply, step.verdict, step.says)

    def _command(self, step: m.SendStep) -> Command:
        life_s = min(step.within_s, life_max_s(step.send))
        command = self._ground.operator.command(step.send, life_s, step.arguments, self._expected(step))
        age = timedelta(seconds=step.age_s)
        update: dict[str, object] = {"issued_at": command.issued_at - age, "expires_at": command.expires_at - age}
        if step.by != "operator":
            update["issuer"] = f"{step.by}-1"
        return command.model_copy(update=update)

    def _expected(self, step: m.SendStep) -> str | None:
        """The state that the sender saw; who moves the robot by hand looks before."""
        seen = self._ground.operator.state
        return seen.packml if step.expected_state is None and step.send in AT_ONCE and seen else step.expected_state

    async def ended(self, step: m.EndedStep) -> None:
        """The last verdict of a command that was sent. Raises Failed for another one."""
        if step.ended not in self._sent:
            raise Failed("no such command was sent")
        operator, answers = self._ground.operator, (self._sent[step.ended].id,)
        reply = await operator.until(lambda: _reply(operator, answers, ENDS), step.within_s, f"end of {step.ended}")
        _judge(reply, step.verdict, step.says)

    async def person(self, step: m.PersonStep) -> None:
        """What a person does with a station that stands."""
        self._note("sent", said(step))
        if step.person == "recover":
            await self._recover(step.within_s)
        else:
            await self._person.put_right(step.within_s)
        if step.person == "start_up":
            await self._ground.operator.reaches("Idle", step.within_s)

    async def _recover(self, within_s: float) -> None:
        """Look, clear, reset: to Idle, or to Held if a swap is open."""
        operator = self._ground.operator
        await operator.reaches("Aborted", within_s)
        for verb in UP:
            reply = await operator.send(verb, within_s)
            if reply.verdict != "completed":
                raise Failed(f"{verb} {reply.verdict}: {reply.reason}")
        await operator.until(lambda: _up(operator.state), within_s, "Held or Idle after reset")


def _up(state: StateMessage | None) -> StateMessage | None:
    return state if state is not None and state.packml in ("Held", "Idle") else None


def _replies(operator: Operator, answers: tuple[str, ...]) -> list[ReplyMessage]:
    return [reply for identifier in answers for reply in operator.replies.get(identifier, ())]


def _reply(
    operator: Operator, answers: tuple[str, ...], wanted: tuple[str, ...], after: int = 0
) -> ReplyMessage | None:
    """The first answer to a command with one of these verdicts, not counting those that came before."""
    return next((r for r in _replies(operator, answers)[after:] if r.verdict in wanted), None)


def _judge(reply: ReplyMessage, verdict: str, says: str | None) -> None:
    if reply.verdict != verdict or (says is not None and says not in reply.reason):
        raise Failed(f"the verdict is {reply.verdict}: {reply.reason}")
