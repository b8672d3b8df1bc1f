"""`python -m fuzz.prepare TARGET CORPUS DICTIONARY`: seeds and findings into a folder, words into a file."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from fuzz import targets
from fuzz.runs import stored


def main() -> None:
    """Write both; the corpus keeps what earlier runs left there."""
    name, corpus, dictionary = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    target = targets.find(name)
    for data in (*target.seeds(), *(path.read_bytes() for path in stored(name))):
        (corpus / f"seed-{hashlib.sha1(data, usedforsecurity=False).hexdigest()[:16]}").write_bytes(data)
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in target.WORDS]
    dictionary.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
