"""Runs a kernel's tests against another build of it, in a process of their own."""

from __future__ import annotations

import importlib
import importlib.util
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ExtensionFileLoader
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest
from hypothesis import Phase, settings

from proof.kernels import ROOT, Kernel

T = TypeVar("T")

WARM = ("hypothesis", "hypothesis.strategies", "pydantic", "drivers.robot_protocol", "drivers.errors")
"""Imported once, before any fork: slow to import, and none of them imports a kernel."""

_PYTEST = (
    *("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is imported before, once for all children
    *("-o", "timeout=0"),  # wall time: see the limits below
)
LIMIT_CPU_S, LIMIT_WALL_S = 30, 600.0
"""A mutant that computes for longer has hung: the tests take a few seconds. Wall time says little on a busy machine."""

_PASSED, _FAILED, _BROKEN = 0, 1, 2  # pytest's exit codes; 2: a test file could not be collected


@dataclass(frozen=True, slots=True)
class Child:
    """A process under way: its pid, the pipe on which the mutant says that it was reached, when to kill it."""

    pid: int
    mark: int
    until_s: float


class _FirstFailureWillDo:
    """Examples that fail are not made smaller: nobody reads them. Which examples are tried stays as it is."""

    def pytest_collection(self) -> None:
        now = settings()
        phases = [phase for phase in now.phases if phase not in (Phase.shrink, Phase.explain)]
        settings.register_profile("mutant", now, phases=phases)
        settings.load_profile("mutant")


def warm() -> None:
    """Import what every child needs. Raises RuntimeError if that pulls a kernel in: it could not be replaced."""
    for name in WARM:
        importlib.import_module(name)
    if kernels := [name for name in sys.modules if name.startswith("station_ctl.kernel.")]:
        raise RuntimeError(f"{kernels} imported too early")


def substitute(kernel: Kernel, file: Path) -> ModuleType:
    """Load `file` as the kernel; whoever imports the kernel from now on gets it."""
    loader = ExtensionFileLoader(kernel.module, str(file))
    spec = importlib.util.spec_from_file_location(kernel.module, str(file), loader=loader)
    if spec is None:
        raise RuntimeError(f"{file} is no module")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[kernel.module] = module
    setattr(importlib.import_module("station_ctl.kernel"), kernel.name, module)
    return module


def run_tests(kernel: Kernel) -> int:
    """All tests of the kernel until the first failure; 0 only if every one passed."""
    return _pytest(kernel, [])


def collected(kernel: Kernel, then: Callable[[Callable[[], int]], None]) -> int:
    """Collect the kernel's tests once, and call `then` with the function that runs them (in copies of the process).

    0 if the tests were collected and `then` came to its end.
    """
    return _pytest(kernel, [_Instead(then)])


def _pytest(kernel: Kernel, plugins: list[object]) -> int:
    os.environ["CI"] = "true"  # tests/conftest.py: the same examples in each run
    arguments = [*_PYTEST, f"--rootdir={ROOT}", *map(str, kernel.tests)]
    return int(pytest.main(arguments, plugins=[_FirstFailureWillDo(), *plugins]))


class _Instead:
    """Takes the place of pytest's loop over the tests."""

    def __init__(self, then: Callable[[Callable[[], int]], None]) -> None:
        self._then = then

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.config.pluginmanager.unregister(name="terminalreporter")  # its fate tells
        self._then(lambda: _loop(session))
        return True


def _loop(session: pytest.Session) -> int:
    """The collected tests, until the first that fails."""
    for item, following in zip_longest(session.items, session.items[1:]):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return _FAILED
    return _PASSED


def start(work: Callable[[int], int], mutant: int) -> Child:
    """Fork; the child works with that mutant switched on, its output thrown away. `work` is given the pipe's end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return Child(pid, read, time.monotonic() + LIMIT_WALL_S)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ["PROOF_MUTANT"], os.environ["PROOF_MARK"] = str(mutant), str(write)
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_CPU_S, LIMIT_CPU_S))
    os._exit(_outcome(work, write))


def _outcome(work: Callable[[int], int], mark: int) -> int:
    try:
        return work(mark)
    except BaseException:  # noqa: BLE001  the mutant broke the import itself; the parent is told
        return _BROKEN


def finish_one(running: dict[Child, T]) -> tuple[T, bool, str]:
    """Wait until one of the children has ended or has used up its time, and take it out of `running`.

    What it was started for, whether the mutant was reached, and how it ended: "" if every test passed.
    """
    while True:
        for child in running:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid or time.monotonic() > child.until_s:
                ended = _said(status) if pid else _cut_short(child)
                reached = bool(select.select([child.mark], [], [], 0)[0]) and os.read(child.mark, 1) == b"x"
                os.close(child.mark)
                return running.pop(child), reached, ended
        time.sleep(0.005)


def _cut_short(child: Child) -> str:
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    return "time limit"


def _said(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    code = os.WEXITSTATUS(status)
    return {_PASSED: "", _FAILED: "test failed", _BROKEN: "not importable"}.get(code, f"pytest ends with {code}")
