"""The tables of steps and edges: complete, reachable, reasoned, and followed to the letter."""

from __future__ import annotations

import pytest

from station_ctl.model.words import PackML
from station_ctl.swap import steps
from station_ctl.swap.machine import PACKML, STEP, SWAP, EdgeError
from station_ctl.swap.table import EDGES, PACKML_EDGES, STEPS, Edge
from station_ctl.swap.thermal_table import EVACUATION_EDGES, RETURN_EDGES


def reachable(edges: tuple[Edge, ...], start: str) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        new = {e.target for e in edges if e.source == here} - found
        found |= new
        todo += new
    return found


def test_every_step_can_be_reached_can_be_left_and_is_looked_at() -> None:
    edges = (*EDGES, *EVACUATION_EDGES, *RETURN_EDGES)
    assert reachable(edges, "waiting") == set(STEP)
    assert reachable(EDGES, "waiting") == {s.name for s in STEPS}
    assert {e.source for e in edges} == set(STEP)
    assert set(steps.LOOKS) == set(STEP)


def test_every_packml_state_can_be_reached_from_boot_and_leads_back_to_idle() -> None:
    assert reachable(PACKML_EDGES, PackML.ABORTED) == set(PackML)
    for state in PackML:
        assert PackML.IDLE in reachable(PACKML_EDGES, state)


@pytest.mark.parametrize("edges", [EDGES, PACKML_EDGES, EVACUATION_EDGES, RETURN_EDGES])
def test_every_edge_says_why_and_none_contradicts_another(edges: tuple[Edge, ...]) -> None:
    assert all(len(e.reason) > 10 for e in edges)
    targets: dict[tuple[str, str], str] = {}
    for e in edges:
        assert targets.setdefault((e.trigger, e.source), e.target) == e.target


def test_only_clear_leaves_aborted() -> None:
    assert {e.trigger for e in PACKML_EDGES if e.source is PackML.ABORTED} == {"clear"}


def test_there_is_no_way_to_release_the_truck_round_the_lock_once_a_mount_was_opened() -> None:
    opened = (
        "unlock",
        "extract",
        "carry_to_bay",
        "stow",
        "choose",
        "approach_bay",
        "fetch",
        "carry_to_mount",
        "insert",
    )
    untouched = "back_out_unopened"  # given only for a mount that is measured locked and mated (tests of back_out)
    without_lock = tuple(e for e in EDGES if "lock" not in (e.source, e.target) and e.trigger != untouched)
    for name in opened:
        assert "release" not in reachable(without_lock, name), name


def test_an_edge_that_is_not_in_the_table_raises_and_moves_nothing() -> None:
    with pytest.raises(EdgeError, match="no edge 'settled' from 'waiting'"):
        SWAP.follow("waiting", "settled")
    with pytest.raises(EdgeError):
        SWAP.follow("waiting", "no_such_trigger")
    assert SWAP.follow("waiting", "arrived") == "identify"


def test_enumeration_members_and_their_values_mean_the_same_state() -> None:
    assert PACKML.allows(PackML.ABORTED, "clear")
    assert PACKML.allows("Aborted", "clear")
    assert not PACKML.allows(PackML.ABORTED, "reset")
    assert PACKML.follow(PackML.ABORTED, "clear") == "Clearing"


def test_steps_stay_in_the_phase_that_the_packml_edges_can_follow() -> None:
    order = [PackML.IDLE, PackML.STARTING, PackML.EXECUTE, PackML.COMPLETING, PackML.COMPLETE]
    assert [order.index(s.phase) for s in STEPS] == sorted(order.index(s.phase) for s in STEPS)
