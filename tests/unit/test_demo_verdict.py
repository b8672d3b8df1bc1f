"""The demo's verdict is the plant's: whatever the plant finds wrong, the exit status is not 0."""

from __future__ import annotations

import copy
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import pytest

from hil import demo
from hil.verdict import VIN, Verdict, faults
from tests.uplink_examples import METRICS, RECORD

OLD = [f"TRK{VIN[-1]}-{n:08d}" for n in (1, 2)]
BEFORE: dict[str, Any] = {
    "bays": {"1": "A", "2": "B", "3": "C", "4": None, "5": None},
    "packs": {"A": 96.0, "B": 94.5, "C": 93.0},
}
RELEASE: dict[str, Any] = {"mounts": {"1": "A", "2": "B"}, "mounts_locked": {"1": True, "2": True}}
AFTER: dict[str, Any] = {
    "bays": {"1": OLD[1], "2": None, "3": "C", "4": OLD[0], "5": None},
    "violations": [],
    "motions": [{"sequence": 1, "started": 1}, {"sequence": 2, "started": 1}],
}
Truth = dict[str, Any]


def _worse_pack(release: Truth, after: Truth) -> None:
    release["mounts"]["2"] = "C"


def _unlocked(release: Truth, after: Truth) -> None:
    release["mounts_locked"]["1"] = False


def _empty_mount(release: Truth, after: Truth) -> None:
    del release["mounts"]["2"]


def _old_pack_gone(release: Truth, after: Truth) -> None:
    after["bays"]["4"] = None


def _stock_lost(release: Truth, after: Truth) -> None:
    after["bays"]["3"] = None


def _violation(release: Truth, after: Truth) -> None:
    after["violations"].append({"what": "coupler parted under a closed contactor"})


def _twice(release: Truth, after: Truth) -> None:
    after["motions"][1]["started"] = 2


def test_right_swap_has_no_faults() -> None:
    assert faults(BEFORE, RELEASE, AFTER) == []
    assert faults(BEFORE, RELEASE, {**AFTER, "grid_w": 299_000}, 300.0) == []


def test_more_than_the_grid_limit_is_a_fault() -> None:
    assert faults(BEFORE, RELEASE, {**AFTER, "grid_w": 300_001}, 300.0) == ["300001 W drawn of 300 kW"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_worse_pack, "mount 2 holds C"),
        (_unlocked, "mount 1 is not locked"),
        (_empty_mount, "1 mounts, expected 2"),
        (_old_pack_gone, f"old pack {OLD[0]} is in no bay"),
        (_stock_lost, "pack C was lost"),
        (_violation, "the plant saw"),
        (_twice, "command 2 ran 2 times"),
    ],
)
def test_whatever_is_wrong_is_found_and_the_demo_fails(
    spoil: Callable[[Truth, Truth], None],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    release, after = copy.deepcopy(RELEASE), copy.deepcopy(AFTER)
    spoil(release, after)
    found = faults(BEFORE, release, after)
    assert any(says in fault for fault in found)

    async def swap(*_: object) -> Verdict:
        return Verdict(RECORD, METRICS, {"duration_s": 10.0, "acting_s": 8.0}, 50.0, found)

    monkeypatch.setattr(demo, "_swap", swap)
    assert demo.main(Namespace(stop=False, json=None, speed=50.0, seed=1, broker="iotcore")) == 1
    assert "NOT verified by the plant" in capsys.readouterr().out
