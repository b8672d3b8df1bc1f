"""`station-console send`: one command, its verdicts, an exit status."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drivers import tasks
from drivers.errors import BadData
from drivers.mqtt_client import MqttClient
from drivers.mqtt_values import Endpoint, MqttMessage, MqttRefused
from station_ctl.uplink.admission import Command, life_max_s
from station_ctl.uplink.message import SCHEMA, read_message
from station_ctl.uplink.requests import COMMANDS, ReplyMessage, Verb
from station_ctl.uplink.topics import Topics
from station_ctl.wall_clock import iso_ms, utc_now

NO_ANSWER = 3
_EXIT_STATUS = {"completed": 0, "rejected": 1, "failed": 2}


@dataclass(frozen=True, slots=True)
class Request:
    """A command to send, and how long its last verdict is waited for."""

    verb: Verb
    command: Command
    timeout_s: float


def make_request(
    verb: Verb,
    arguments: dict[str, object],
    expected_state: str | None,
    issuer: str,
    timeout_s: float,
    identifier: str | None = None,
) -> Request:
    """A checked request with a fresh id, unless one is given.

    Raises WrongSchema, naming the argument, before anything is sent.
    """
    now = utc_now()
    life_s = min(timeout_s, life_max_s(verb))
    content = {
        "schema": SCHEMA,
        "id": identifier or f"console-{secrets.token_hex(8)}",
        "issued_at": iso_ms(now),
        "expires_at": iso_ms(now + timedelta(seconds=life_s)),
        "issuer": issuer,
        "expected_state": expected_state,
        "arguments": arguments,
    }
    return Request(verb, read_message(COMMANDS[verb], json.dumps(content).encode(), f"send {verb}"), timeout_s)


def read_plan(path: Path) -> dict[str, object]:
    """A charge plan's file, as arguments of `charge_plan`. Raises BadData if it is no JSON object of schema 1."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise BadData("the plan cannot be read", where=str(path), value=str(e)) from e
    if not isinstance(found, dict) or found.pop("schema", None) != SCHEMA:
        raise BadData("no charge plan", where=str(path), limit=f'an object with "schema": {SCHEMA}')
    return found


async def send(endpoint: Endpoint, topics: Topics, request: Request, *, as_json: bool) -> int:
    """Send, print each verdict as it comes, return the exit status."""
    exchange = _Exchange(topics, request, as_json)
    client = MqttClient(
        endpoint,
        client_id=exchange.client_id,
        subscriptions=(exchange.reply_topic,),
        on_message=exchange.take,
        on_connect=exchange.ask,
        name="broker",
    )
    exchange.client = client
    link = asyncio.create_task(client.run(), name="console link")
    try:
        async with asyncio.timeout(request.timeout_s):
            return _EXIT_STATUS[await exchange.outcome]
    except TimeoutError:
        sys.stderr.write(f"no {exchange.missing} within {request.timeout_s:g} s{_why(client)}\n")
    except MqttRefused as e:
        sys.stderr.write(f"{e}\n")
    finally:
        await tasks.end(link)
    return NO_ANSWER


class _Exchange:
    """One command and the verdicts that come for it.

    After a lost connection the same command is sent again: its id makes sure that it is executed once only.
    """

    def __init__(self, topics: Topics, request: Request, as_json: bool) -> None:
        self.client_id = request.command.id
        self.reply_topic = topics.reply(self.client_id)
        self.missing = "answer"
        self.client: MqttClient | None = None
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._as_json = as_json
        self._command = MqttMessage(
            topics.command(request.verb),
            request.command.json_bytes(),
            response_topic=self.reply_topic,
            correlation=request.command.id.encode(),
            expiry_s=max(1, int(min(request.timeout_s, life_max_s(request.verb)))),
        )

    async def ask(self) -> None:
        """Send the command, at each connect."""
        try:
            if self.client is not None:
                await self.client.publish(self._command)
        except MqttRefused as e:
            if not self.outcome.done():
                self.outcome.set_exception(e)

    async def take(self, message: MqttMessage) -> None:
        """Print a verdict; the last one ends the exchange."""
        if message.correlation != self._command.correlation:
            raise BadData("answer to something else", where=message.topic)
        reply = read_message(ReplyMessage, message.payload, message.topic)
        if not self.outcome.done():
            self._print(reply, message.payload)
        if reply.verdict == "accepted":
            self.missing = "final verdict"
        elif not self.outcome.done():
            self.outcome.set_result(reply.verdict)

    def _print(self, reply: ReplyMessage, payload: bytes) -> None:
        reason = f": {reply.reason}" if reply.reason else ""
        line = payload.decode() if self._as_json else f"{reply.verb} {reply.verdict}{reason} (station is {reply.state})"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _why(client: MqttClient) -> str:
    if client.up.is_set():
        return "; the broker is there, the station did not speak"
    return f"; {client.last_error}" if client.last_error else ""
