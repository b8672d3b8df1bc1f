"""Publications that wait for the broker's word, and what that word means."""

from __future__ import annotations

import asyncio

from drivers.mqtt_values import MqttRefused, MqttUnconfirmed

ANSWER_TIMEOUT_S = 5.0
REFUSED = 0x80  # MQTT 5 reason codes from here on are failures
BROKEN = -1  # no word came


class Confirmations:
    """Of one connection, by the number of the message."""

    def __init__(self) -> None:
        self._pending: dict[int, asyncio.Future[int]] = {}

    async def outcome(self, mid: int) -> int:
        """The reason code that comes for a publication, or BROKEN."""
        confirmation: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending[mid] = confirmation
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await confirmation
        except TimeoutError:
            return BROKEN
        finally:
            self._pending.pop(mid, None)

    def came(self, mid: int, code: int) -> None:
        """The broker has said something of a publication."""
        confirmation = self._pending.get(mid)
        if confirmation is not None:
            _settle(confirmation, code)

    def end(self) -> None:
        """The connection is over: no word comes any more."""
        for confirmation in self._pending.values():
            _settle(confirmation, BROKEN)


def _settle(confirmation: asyncio.Future[int], outcome: int) -> None:
    if not confirmation.done():
        confirmation.set_result(outcome)


def judge(outcome: int, where: str, topic: str) -> None:
    """Raises MqttUnconfirmed or MqttRefused for an outcome that is not good."""
    if outcome == BROKEN:
        raise MqttUnconfirmed("publication was not confirmed", where=where, value=topic)
    if outcome >= REFUSED:
        what = f"publication was refused, reason code {outcome:#x}"
        raise MqttRefused(what, where=where, value=topic, remedy="check its ACL")
