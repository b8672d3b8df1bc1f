"""Recordings for tests: a station in memory with its black box beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from hil.verdict import VIN
from station_ctl.blackbox.box import BlackBox
from station_ctl.blackbox.file import Recording, read
from station_ctl.blackbox.replay import Difference, replay
from station_ctl.config import Config, parse
from station_ctl.deciders import Deciders
from tests.simulation.ground import Ground


class Here(Executor):
    """Works at once, in its caller. hung: takes work and does it when released, in order."""

    def __init__(self) -> None:
        self.hung = False
        self._waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as e:  # noqa: BLE001 - an executor hands over whatever its work raised
                future.set_exception(e)

        self._waiting.append(work)
        if not self.hung:
            self.release()
        return future

    def release(self) -> None:
        """Do all that waits."""
        self.hung = False
        while self._waiting:
            self._waiting.pop(0)()


def attached(ground: Ground, folder: Path, worker: Executor | None = None, **section: Any) -> BlackBox:
    """A black box on a station in memory, its files in `folder`."""
    changed = ground.config.blackbox.model_copy(update={"folder": str(folder), **section})
    ground.config = ground.config.model_copy(update={"blackbox": changed})
    box = BlackBox(ground.config, ground.runner._deciders, worker or Here())
    ground.runner.on_end = box.cycle
    return box


async def swap_under_way(ground: Ground, step: str = "carry_to_bay") -> None:
    """A truck's swap has come to a step, the robot moving."""
    await ground.ready()
    ground.send("authorise", vin=VIN)
    ground.arrive(1)
    await ground.at_step(step)
    await ground.until(lambda: ground.state.pending is not None)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.blackbox"))


def recording(path: Path) -> Recording:
    return read(path.read_bytes())


def decided_again(found: Recording, config: Config | None = None) -> list[tuple[int, Difference]]:
    """Number and difference of every cycle that this release decides otherwise than it was recorded."""
    settings = config or parse(found.head.config, "recorded")
    deciders = Deciders.of(settings)
    return [(r.number, r.difference) for r in replay(found, settings, deciders) if r.difference is not None]
