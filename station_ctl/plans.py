"""The charge plan that holds: sent by a person or a planner, taken over at once, told to who sent it."""

from __future__ import annotations

from collections.abc import Collection

from station_ctl.charging.plan import PlanError, parse
from station_ctl.model.charge_plan import ChargePlan
from station_ctl.ports import UplinkPort
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.arguments import ChargePlanArguments

VERB = "charge_plan"


class Plans:
    """Remembers the last good plan until it ends. It is not journalled: after a restart the default holds.

    plan: what holds, None: the default. bays: those that the station has.
    """

    def __init__(self, bays: Collection[int], uplink: UplinkPort) -> None:
        self.plan: ChargePlan | None = None
        self._bays, self._uplink = bays, uplink

    def ask(self, admitted: Admitted, now_s: float) -> None:
        """Take a plan over, which begins now; one that cannot be used is rejected, and the one before holds on."""
        given = admitted.command.arguments
        try:
            if not isinstance(given, ChargePlanArguments):
                raise PlanError("no plan in it", where="charge plan")
            plan = parse(given.text(), now_s, self._bays)
        except PlanError as e:
            self._uplink.answer(admitted, "rejected", str(e))
            return
        self.plan = plan if plan.power_w else None
        self._uplink.answer(admitted, "accepted")
        self._uplink.answer(admitted, "completed", f"{len(plan.power_w)} bays planned" if plan.power_w else "no plan")

    def look(self, now_s: float) -> None:
        """Forget a plan that has ended."""
        plan = self.plan
        if plan is not None and all(plan.at(number, now_s) is None for number in plan.power_w):
            self.plan = None
