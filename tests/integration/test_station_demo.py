"""`station-ctl demo` as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from station_ctl.uplink.record_messages import SwapRecord


@pytest.mark.timeout(150)  # a safety net on a busy machine
def test_demo_swaps_two_packs_and_writes_the_record(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    command = [sys.executable, "-m", "station_ctl.cli", "demo", "--speed", "50", "--json", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified by the plant" in done.stdout and "driver: please park again" in done.stdout
    written = json.loads(target.read_text(encoding="utf-8"))
    assert written["verified_by_plant"] is True and written["faults"] == []
    record = SwapRecord.model_validate_json(json.dumps(written["record"]))
    assert record.outcome == "completed" and len(record.exchanges) == 2
    assert all(e.serial_out and e.soc_out_pct and e.accepted for e in record.exchanges)
    assert written["visit"]["duration_s"] >= written["visit"]["acting_s"] > 0
    assert written["metrics"]["can_frames"] > 500
    assert [b["bay"] for b in written["charged"]] == [e.bay_in for e in record.exchanges]
    assert all(b["charged_kwh"] > 0.0 and b["phase"] == "charging" for b in written["charged"])
