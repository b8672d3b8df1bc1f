"""`make sanitize`: exit 1 on any report of a sanitizer, on a failed test, and if a planted defect goes unreported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from proof.kernels import BUILD, ROOT, Kernel, kernels
from proof.say import say
from proof.tree import link, translate

FLAGS = ("-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PLANTED = {"overrun": "AddressSanitizer", "overflow": "runtime error: shift exponent"}
"""The planted kernels, and what the sanitizers have to say of them."""

_LIMIT_S = 600.0  # a safety net; it takes a minute


def main() -> int:
    """The planted defects first: if they are not found, nothing that follows means anything."""
    wrong = []
    for name, said in PLANTED.items():
        report = inside("planted", name, Path(__file__).parent / "planted" / f"{name}.pyx")
        found = report.returncode != 0 and said in report.stderr
        say(f"planted {name}: {'reported' if found else 'NOT reported'}")
        wrong += [] if found else [name]
    for kernel in kernels(sys.argv[1:]):
        report = inside("tests", kernel.name, kernel.source)
        say(f"{kernel.source.name}: {'clean' if report.returncode == 0 else report.stdout + report.stderr}")
        wrong += [] if report.returncode == 0 else [kernel.name]
    return int(bool(wrong))


def inside(what: str, name: str, source: Path) -> subprocess.CompletedProcess[str]:
    """Build with the sanitizers and run in a process that has their runtime loaded first."""
    file = link(_translated(source), FLAGS)
    command = [sys.executable, "-m", "proof.sanitize.inside", what, name, str(file)]
    return subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False, timeout=_LIMIT_S
    )


def _translated(source: Path) -> Path:
    folder = BUILD / "sanitize"
    folder.mkdir(parents=True, exist_ok=True)
    for file in Kernel(source.stem, source, ()).files:
        (folder / file.name).write_text(file.read_text("utf-8"), encoding="utf-8")
    translate(folder / source.name, f"station_ctl.kernel.{source.stem}", lambda body: None)
    return (folder / source.name).with_suffix(".c")


def _environment() -> dict[str, str]:
    """Leaks are not looked for: the interpreter keeps what it allocates until it ends; the kernels allocate nothing.

    Python's own allocator is switched off, so that each object has its own guarded piece of memory.
    """
    runtime = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    options = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    return {**os.environ, **options, "LD_PRELOAD": runtime.stdout.strip(), "PYTHONMALLOC": "malloc"}


if __name__ == "__main__":
    sys.exit(main())
