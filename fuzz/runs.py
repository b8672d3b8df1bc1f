"""A run of one target: its folders, its process, and the figures that the engine prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz.memory import FOLDER, folder

ROOT = Path(__file__).parent
KEPT = ROOT / "findings"
"""Inputs that found something once; every test run takes them again."""
TIMEOUT_S = 10
"""One input that takes longer is a hang."""
MEMORY_MB = 1500
LENGTHS = {"journal": 40_000, "transport": 2_000, "can": 2_000, "modbus": 4_000, "charger": 1_500, "mqtt": 12_000}
"""Longest inputs, in bytes; of files as long as the longest that is shipped."""
LONGEST = 30_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to. cover: edges; features: edges with how often; corpus: inputs that brought something new.

    finding: the file of the input that found something; None: clean.
    """

    target: str
    seconds: float
    executions: int
    cover: int
    features: int
    corpus: int
    peak_mb: int
    finding: Path | None

    def line(self) -> str:
        """One row of the table."""
        per_s = self.executions / max(self.seconds, 1e-9)
        said = "clean" if self.finding is None else f"FINDING {self.finding}"
        figures = f"{self.executions:>10} {per_s:>7.0f} {self.cover:>6} {self.features:>7} {self.corpus:>6}"
        return f"{self.target:<13}{self.seconds:>7.0f} {figures} {self.peak_mb:>5}  {said}"


HEAD = f"{'target':<13}{'s':>7} {'executions':>10} {'per s':>7} {'edges':>6} {'feat.':>7} {'corpus':>6} {'MB':>5}"


def run(name: str, seconds: int, room: Path, seed: int = 0) -> Outcome:
    """Fuzz one target for so long from its seeds, and from what earlier runs left in `room`."""
    folder = (room / name).absolute()
    corpus, found = folder / "corpus", folder / "findings"
    for made in (corpus, found):
        made.mkdir(parents=True, exist_ok=True)
    log, began_s = folder / "log.txt", time.monotonic()
    dictionary = folder / "words.dict"
    prepared = _process(["fuzz.prepare", name, str(corpus), str(dictionary)], log)
    arguments = [
        f"-max_total_time={seconds}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={LENGTHS.get(name, LONGEST)}",
        f"-dict={dictionary}",
        f"-artifact_prefix={found}/",
        f"-seed={seed}",
        "-print_final_stats=1",
        str(corpus),
    ]
    status = prepared or _process(["fuzz.engine", name, *arguments], log)
    return _outcome(name, time.monotonic() - began_s, log.read_text(encoding="utf-8", errors="replace"), status, log)


def _process(arguments: list[str], log: Path) -> int:
    """Run a module of ours in a process of its own, which takes the sources as they are now; its exit status."""
    command, files = [sys.executable, "-m", *arguments], folder()
    try:
        with log.open("wb") as out:
            ended = subprocess.run(
                command,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT.parent,
                env={**os.environ, FOLDER: str(files)},
                check=False,
            )
    finally:
        shutil.rmtree(files, ignore_errors=True)
    return ended.returncode


def stored(name: str) -> list[Path]:
    """Inputs that found something in a target once."""
    return sorted((KEPT / name).glob("*"))


def _outcome(name: str, seconds: float, log: str, status: int, path: Path) -> Outcome:
    figures = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    cover, features, corpus = map(int, figures[-1]) if figures else (0, 0, 0)
    executions, peak = (_stat(log, key) for key in ("number_of_executed_units", "peak_rss_mb"))
    artifact = re.search(r"Test unit written to (\S+)", log)
    finding = Path(artifact[1]) if artifact else (path if status else None)
    return Outcome(name, seconds, executions, cover, features, corpus, peak, finding)


def _stat(log: str, key: str) -> int:
    found = re.search(rf"stat::{key}:\s+(\d+)", log)
    return int(found[1]) if found else 0
