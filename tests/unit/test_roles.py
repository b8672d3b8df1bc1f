"""Who may ask for what."""

from __future__ import annotations

import pytest

from station_ctl.uplink.roles import NEEDS, Role, Roles

ROLES = Roles(
    (
        ("lead-*", (Role.OPERATOR, Role.SUPERVISOR)),
        ("lead-7", (Role.SERVICE,)),
        ("screen", ()),
    )
)


def test_who_is_not_listed_is_an_operator() -> None:
    assert ROLES.of("anna@cabinet") == {Role.OPERATOR}
    assert Roles().refusal("clear", "anna@cabinet") == ""


def test_roles_of_all_matching_patterns_add_up() -> None:
    assert ROLES.of("lead-1") == {Role.OPERATOR, Role.SUPERVISOR}
    assert ROLES.of("lead-7") == set(Role)
    assert ROLES.of("Lead-1") == {Role.OPERATOR}  # names are compared as they are written


@pytest.mark.parametrize(("verb", "role"), NEEDS.items())
def test_a_verb_beyond_an_operator_is_refused_by_name(verb: str, role: Role) -> None:
    assert role in ROLES.refusal(verb, "anna@cabinet")
    assert "anna@cabinet" in ROLES.refusal(verb, "anna@cabinet")
    assert ROLES.refusal(verb, "lead-7") == ""


@pytest.mark.parametrize("verb", ["hold", "abort"])
def test_anybody_may_stop(verb: str) -> None:
    assert ROLES.refusal(verb, "screen") == ""


def test_a_listed_issuer_without_roles_can_do_nothing_else() -> None:
    assert "nothing" in ROLES.refusal("clear", "screen")
