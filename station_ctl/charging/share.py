"""Who may draw how much of the station's grid limit: fair by need, and break before make.

What one bay gives away another gets only when it is *measured* gone. Each bay has a claim: the most that its charger
can draw until the next look, whatever became of what was written to it. The claims together never exceed the budget by
anything that is granted here; the sum of what is really drawn is below the sum of the claims at every instant.

A claim is the greatest of
  * all that was granted in the last LINGER_S (kept twice as long at most): a command may still be on its way;
  * what its fresh status shows (charging.seen.worst_draw_w): the set point it has taken, the power it measures.
Silence lets a claim only grow, until the charger is heard again or its supply is measured open (`gone`).

What it rests on: a charger takes commands in the order of their counters, draws no more than the set point it has taken
or than it draws already, and a status is no older than charging.seen.ALIVE_S; a command is no later than LINGER_S less
that. docs/charging.md says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from station_ctl.charging.fill import Wish, fill

LINGER_S = 2.0
"""ALIVE_S of a status, and 1 s, the longest lease, for a command that is late."""


@dataclass(slots=True)
class Claim:
    """What one bay may draw, in W at the grid.

    granted_w: last. recent_w, before_w: the most granted in this and the last stretch of LINGER_S; turned_s: when this
    one began. shown_w: by the charger's word. Before anything was heard of a charger it may draw all it can: the
    controller that was there before may have granted it.
    """

    granted_w: float
    recent_w: float
    before_w: float
    shown_w: float
    turned_s: float | None = None

    @property
    def worst_w(self) -> float:
        """The most its charger can draw by all that was granted and shown."""
        return max(self.recent_w, self.before_w, self.shown_w)

    def see(self, now_s: float, shown_w: float | None, *, gone: bool) -> None:
        """Take note of what the charger shows, None if it is not heard. gone: nothing can flow through its supply."""
        if self.turned_s is None:
            self.turned_s = now_s
        elif now_s - self.turned_s >= LINGER_S:
            self.before_w, self.recent_w, self.turned_s = self.recent_w, self.granted_w, now_s
        if shown_w is not None:
            self.shown_w = shown_w
        else:
            self.shown_w = 0.0 if gone else self.worst_w

    def grant(self, power_w: float) -> None:
        """It may draw so much from now on."""
        self.granted_w, self.recent_w = power_w, max(self.recent_w, power_w)


class Share:
    """The claims of all bays that have a charger.

    most_w: what each of these draws from the grid at most. least_w: with less than this nobody can do anything; it is
    shared out first, alike, and the rest by weight.
    """

    def __init__(self, most_w: Mapping[int, float], least_w: float = 0.0) -> None:
        self._least_w = least_w
        self.claims = {number: Claim(0.0, most, most, most) for number, most in most_w.items()}

    def grant(
        self,
        now_s: float,
        budget_w: float,
        wishes: Mapping[int, Wish],
        shown_w: Mapping[int, float | None],
        gone: Collection[int] = (),
    ) -> dict[int, float]:
        """What each bay may draw from now on, in W; 0 for one without a wish.

        budget_w: the limit less all other loads. wishes: in W, by bay. shown_w: see `Claim`; a bay that is missing is
        not heard. gone: bays whose supply is measured open.
        """
        for number, claim in self.claims.items():
            claim.see(now_s, shown_w.get(number), gone=number in gone)
        targets = self._targets(budget_w, wishes)
        for number, claim in self.claims.items():
            claim.grant(min(claim.granted_w, targets.get(number, 0.0)))
        self._raise(budget_w, targets)
        return {number: claim.granted_w for number, claim in self.claims.items()}

    def worst_w(self) -> float:
        """What all chargers together draw at most."""
        return sum(claim.worst_w for claim in self.claims.values())

    def _targets(self, budget_w: float, wishes: Mapping[int, Wish]) -> dict[int, float]:
        """Fair shares of what is not drawn by chargers that wish nothing, or draw more than they were ever granted."""
        taken_w = 0.0
        for number, claim in self.claims.items():
            granted_w = max(claim.recent_w, claim.before_w)
            taken_w += max(claim.shown_w - granted_w, 0.0) if number in wishes else claim.worst_w
        left_w = budget_w - taken_w
        least = fill({n: Wish(min(wish.most, self._least_w), 1.0) for n, wish in wishes.items()}, left_w)
        more = {n: Wish(wish.most - least[n], wish.weight) for n, wish in wishes.items()}
        rest = fill(more, left_w - sum(least.values()))
        return {n: least[n] + rest[n] for n in wishes}

    def _raise(self, budget_w: float, targets: Mapping[int, float]) -> None:
        """Towards the targets, as far as there is room that is measured free."""
        free_w = budget_w - self.worst_w()
        if free_w < 0.0:
            return
        for number, target_w in targets.items():
            claim = self.claims[number]
            worst_w = claim.worst_w
            power_w = min(target_w, worst_w + free_w)
            if power_w > claim.granted_w:
                claim.grant(power_w)
                free_w -= claim.worst_w - worst_w

    def dump(self) -> dict[str, object]:
        """What it remembers, in plain values."""
        return {str(number): asdict(claim) for number, claim in self.claims.items()}

    def load(self, memory: Mapping[str, Any]) -> None:
        """Remember this instead. Raises ValueError for what no `dump` of this station gave."""
        names = {field.name for field in fields(Claim)}
        if set(memory) != {str(n) for n in self.claims} or any(set(part) != names for part in memory.values()):
            raise ValueError(f"memory of the shares of bays {sorted(memory)}")
        self.claims = {number: Claim(**memory[str(number)]) for number in self.claims}
