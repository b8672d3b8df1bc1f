"""The kernels there are and the tests that count for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "proof"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One compiled kernel. `tests`: the files of tests/safety/ that import it by name; without any, of tests/unit/."""

    name: str
    source: Path
    tests: tuple[Path, ...]

    @property
    def module(self) -> str:
        """Where the controller imports it from."""
        return f"station_ctl.kernel.{self.name}"

    @property
    def files(self) -> list[Path]:
        """Its source and the rooms (.pxd) that are compiled into it."""
        return [self.source, *sorted(self.source.parent.glob(f"{self.name}_*.pxd"))]

    @property
    def decides(self) -> bool:
        """It decides about people and packs: its tests are those of safety."""
        return any(test.parent.name == "safety" for test in self.tests)


def kernels(names: list[str]) -> list[Kernel]:
    """All kernels, or those named. Raises SystemExit for a name that is none, and for a kernel without tests."""
    sources = sorted((ROOT / "Cython").glob("*.pyx"))
    if strange := set(names) - {source.stem for source in sources}:
        raise SystemExit(f"no such kernel: {', '.join(sorted(strange))}")
    return [_kernel(source) for source in sources if not names or source.stem in names]


def _kernel(source: Path) -> Kernel:
    said = f"station_ctl.kernel.{source.stem} "
    for floor in ("safety", "unit"):
        tests = [path for path in sorted((ROOT / "tests" / floor).glob("test_*.py")) if said in path.read_text("utf-8")]
        if tests:
            return Kernel(source.stem, source, tuple(tests))
    raise SystemExit(f"{source.name}: no file of tests/safety/ or tests/unit/ imports {said}")
