"""What runs under the sanitizers: `python -m proof.sanitize.inside tests KERNEL FILE` or `... planted NAME FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from proof.child import run_tests, substitute
from proof.kernels import Kernel, kernels


def main(what: str, name: str, file: str) -> int:
    """0 if all went well, which for a planted defect is what must not happen."""
    if what == "tests":
        kernel = kernels([name])[0]
        substitute(kernel, Path(file))
        return run_tests(kernel)
    substitute(Kernel(name, Path(file), ()), Path(file)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
