"""A controller that said nothing for so long that a charge ended by itself, and what held it up."""

from __future__ import annotations

from station_ctl.model.look import Snapshot


def stalled(snapshot: Snapshot) -> tuple[str, str] | None:
    """Code and reason for the charges that end by it; None if the controller has said what it wants in time.

    The charger's driver switches off 0.3 s after the last want, the PLC opens the supply with its own lease (0.5 s).
    """
    if not snapshot.silent_s:
        return None
    by_journal = snapshot.journal_s > snapshot.silent_s / 2
    code, who = ("journal_stalled", "its journal's disk") if by_journal else ("cycle_stalled", "something else")
    return (
        code,
        f"the controller was held up by {who} and said nothing for {snapshot.silent_s:.2f} s: it is off by lease",
    )
