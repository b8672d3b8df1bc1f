"""Who may ask for what. Pure.

An issuer's name is what the command says; that nobody borrows it is the broker's part (one user and client certificate
a person or program, and its access list on `cmd/<verb>`: docs/mqtt.md). A role here is a second lock, not the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

from station_ctl.sections import IssuerSection


class Role(StrEnum):
    """What somebody is trusted with."""

    OPERATOR = "operator"  # runs the station: authorise, hold, clear, alarms
    SUPERVISOR = "supervisor"  # ends what will not end by itself: releases a truck, gives a swap up, takes an alarm out
    SERVICE = "service"  # moves the robot in Manual


NEEDS: Mapping[str, Role] = {
    "jog": Role.SERVICE,
    "step": Role.SERVICE,
    "release_truck": Role.SUPERVISOR,
    "end_swap": Role.SUPERVISOR,
    "out_of_service": Role.SUPERVISOR,
    "in_service": Role.SUPERVISOR,
}
"""Verbs that ask for more than an operator."""
ANYBODY = frozenset({"hold", "abort"})
"""Whoever can be heard may stop."""


class Roles:
    """Roles by issuer, from `[[issuer]]`: (pattern as in a shell, roles). Who matches none is an operator."""

    def __init__(self, issuers: Iterable[tuple[str, tuple[Role, ...]]] = ()) -> None:
        self._issuers = tuple(issuers)

    @classmethod
    def trusted(cls, issuers: Iterable[IssuerSection]) -> Roles:
        """As the station's configuration has them."""
        return cls((issuer.name, tuple(map(Role, issuer.roles))) for issuer in issuers)

    def nobody(self) -> tuple[Role, ...]:
        """Roles that nobody can have: their verbs, and the alarms that they clear, are then nobody's."""
        given = {role for _, roles in self._issuers for role in roles}
        if all(pattern != "*" for pattern, _ in self._issuers):
            given.add(Role.OPERATOR)
        return tuple(role for role in Role if role not in given)

    def of(self, issuer: str) -> frozenset[Role]:
        """All roles of an issuer."""
        matching = [roles for pattern, roles in self._issuers if fnmatchcase(issuer, pattern)]
        return frozenset(role for roles in matching for role in roles) if matching else frozenset({Role.OPERATOR})

    def refusal(self, verb: str, issuer: str) -> str:
        """Why this issuer may not use this verb, '' if it may."""
        needed = NEEDS.get(verb, Role.OPERATOR)
        if verb in ANYBODY or needed in self.of(issuer):
            return ""
        has = ", ".join(sorted(self.of(issuer))) or "nothing"
        return f"{verb} needs the role {needed}; {issuer} has {has} ([[issuer]] in the station's configuration)"
