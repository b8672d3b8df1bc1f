"""docs/robot-plc.md and docs/charger.md show the maps as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.register_tables import main

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = DOCS / "robot-plc.md"


@pytest.mark.parametrize("name", ["robot-plc.md", "charger.md"])
def test_document_is_fresh(name: str) -> None:
    assert main([str(DOCS / name), "--check"]) == 0


def test_the_charger_s_codes_are_not_the_robot_s() -> None:
    text = (DOCS / "charger.md").read_text(encoding="utf-8")
    assert "`ChargerStop`: 0 NONE, 1 COMMAND" in text and "RobotMode" not in text


def test_a_stale_document_is_found_and_renewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "robot-plc.md"
    text = DOCUMENT.read_text(encoding="utf-8")
    copy.write_text(text.replace("`lease_ms` | u16", "`lease_ms` | u32"), encoding="utf-8")
    assert main([str(copy), "--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert main([str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == text
