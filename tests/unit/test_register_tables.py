"""docs/robot-plc.md shows the map as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.register_tables import main

DOCUMENT = Path(__file__).parents[2] / "docs" / "robot-plc.md"


def test_document_is_fresh() -> None:
    assert main([str(DOCUMENT), "--check"]) == 0


def test_a_stale_document_is_found_and_renewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "robot-plc.md"
    text = DOCUMENT.read_text(encoding="utf-8")
    copy.write_text(text.replace("`lease_ms` | u16", "`lease_ms` | u32"), encoding="utf-8")
    assert main([str(copy), "--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert main([str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == text
