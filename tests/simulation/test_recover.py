"""`recover` itself: what people do between a restart and the confirmation is noticed, and each check can fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from hil.soak.kill import Kill
from hil.soak.recover import one
from hil.soak.recover_cli import instants
from station_ctl.swap import contradictions, measured, reconcile

CHOSEN, STOWED = Kill("swap", 1, write=8, people="exchanged"), Kill("swap", 1, write=16, people="exchanged")
BAY_GONE = Kill("swap", 1, write=16, people="bay_gone")
HOT_BAY_GONE = Kill("evacuation", 1, write=12, people="bay_gone")


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.disable(logging.CRITICAL)


@pytest.mark.parametrize("kill", [CHOSEN, STOWED, BAY_GONE, HOT_BAY_GONE], ids=lambda k: f"{k.work}-{k.people}")
def test_what_people_change_before_the_confirmation_is_noticed_and_the_work_ends_right(kill: Kill) -> None:
    found = one(kill)
    assert found.hit and found.met
    assert found.violations == () and found.ended == ""


def nobody_compares_places(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(contradictions, "_misplaced", lambda belief, measured: iter(()))


def nobody_reads_the_configuration(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(contradictions, "_not_configured", lambda state, config: iter(()))


def a_wrong_picture_refuses_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reconcile, "refusal", lambda *given: "")


def the_journal_is_believed(patch: pytest.MonkeyPatch) -> None:
    """A pack that names itself is shown as nameless: what the journal says stands there in its place."""
    real = measured.where

    def silent(*given: object) -> object:
        return tuple(replace(w, serial=None) if w.serial else w for w in real(*given))  # type: ignore[arg-type]

    patch.setattr(reconcile, "where", silent)


Defect = Callable[[pytest.MonkeyPatch], None]
DEFECTS: list[tuple[Defect, Kill, str]] = [
    (nobody_compares_places, STOWED, "an exchanged pack is a fault"),
    (nobody_reads_the_configuration, BAY_GONE, "a bay that is gone is named"),
    (nobody_reads_the_configuration, HOT_BAY_GONE, "a bay that is gone is named"),
    (a_wrong_picture_refuses_nothing, STOWED, "a wrong picture refuses resume"),
    (a_wrong_picture_refuses_nothing, BAY_GONE, "a wrong picture refuses resume"),
    (the_journal_is_believed, CHOSEN, "an exchanged pack is named"),
]


@pytest.mark.parametrize(
    ("defect", "kill", "invariant"), DEFECTS, ids=[f"{d.__name__}-{k.work}" for d, k, _ in DEFECTS]
)
def test_every_check_finds_the_defect_it_is_for(
    defect: Defect, kill: Kill, invariant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)
    found = one(kill)
    assert invariant in {violation.invariant for violation in found.violations}, found


def test_the_drawn_instants_hold_all_that_people_do() -> None:
    drawn = list(instants("swap", {1: 10.0, 2: 11.0}, 12))
    assert {(k.people, k.plc) for k in drawn} == {(p, c) for p in ("", "exchanged", "bay_gone") for c in (False, True)}
