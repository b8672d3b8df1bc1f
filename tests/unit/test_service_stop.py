"""The watchdog's feeding, and the end of the service in every state the station can be in."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.systemd import Notifier
from station_ctl.model.state import StationState
from station_ctl.model.words import PackML
from station_ctl.watchdog import Watchdog
from tests.simulation.ground import Ground
from tests.support import run_virtually


class Systemd:
    """The other end of a notify socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))

    def heard(self) -> list[str]:
        lines: list[str] = []
        try:
            while True:
                lines += self._socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return lines

    def close(self) -> None:
        self._socket.close()


def test_ready_comes_with_the_first_healthy_cycle_and_the_watchdog_only_from_healthy_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station_ctl.watchdog.NOTIFY_S", 0.05)

    async def main() -> None:
        systemd, notifier = Systemd(tmp_path / "s"), Notifier(str(tmp_path / "s"))
        watchdog = Watchdog(notifier)
        ground = Ground()
        ground.runner._on_healthy = watchdog.healthy
        assert systemd.heard() == []
        await ground.runner._supervised(ground.now_s)
        assert systemd.heard() == ["READY=1", "STATUS=cycling", "WATCHDOG=1"]
        await ground.runner._supervised(ground.now_s)
        assert systemd.heard() == [], "not more often than needed"
        await asyncio.sleep(0.06)
        with monkeypatch.context() as patch:
            patch.setattr(ground.runner._deciders.guard, "judge", lambda *_, **__: 1 / 0)
            await ground.runner._supervised(ground.now_s)
            assert ground.runner.health.failed_cycles == 1 and systemd.heard() == []
        await ground.runner._supervised(ground.now_s)
        assert systemd.heard() == ["WATCHDOG=1"]
        notifier.close()
        systemd.close()

    run_virtually(main())


@pytest.mark.parametrize("packml", list(PackML))
def test_the_service_ends_in_every_state(packml: PackML) -> None:
    async def main() -> None:
        ground = Ground()
        await ground.robot.poll()
        ground.runner.state = StationState(packml)
        async with asyncio.timeout(1.5):
            await ground.runner.stop()
        assert ground.runner.state.packml in (PackML.ABORTED, PackML.STOPPED)

    run_virtually(main())


@pytest.mark.parametrize("period_ms", [10, 100])
def test_a_robot_that_does_not_come_to_rest_is_waited_for_a_second(period_ms: int) -> None:
    """However short the period is; and the service still ends within its 2 s."""

    async def main() -> None:
        ground = Ground()
        section = ground.config.station.model_copy(update={"period_ms": period_ms})
        ground.runner._config = ground.config.model_copy(update={"station": section})
        await ground.reaches("Aborted")
        ground.send("clear")
        await ground.reaches("Stopped", 5.0)
        ground.send("reset")
        ground.world.robot.x.position_mm += 5000.0
        await ground.until(lambda: ground.state.pending is not None)
        await ground.cycle()
        assert ground.robot.status is not None
        ground.robot.status = replace(ground.robot.status, heartbeat_changed_s=float("inf"))
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        await ground.runner.stop()  # time stands still in the plant: the robot never comes to rest
        assert 0.9 < loop.time() - start_s < 1.6

    run_virtually(main())
