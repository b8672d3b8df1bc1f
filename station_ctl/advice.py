"""What of a good configuration a person should still know of before it is used: one line each, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from station_ctl.config import Config
from station_ctl.uplink.roles import Roles

INTERVAL_PCT = 3.0
"""From an estimated charge down to the one that it is sure of, where it is known well (docs/soc.md, How good)."""
HALF_PCT = 50.0
"""With this confidence the estimate itself counts, whatever its interval."""


def advice(config: Config) -> Iterator[str]:
    """All of it; nothing for a configuration without such."""
    yield from _promise(config)
    for role in Roles.trusted(config.issuer).nobody():
        yield f"no [[issuer]] has the role {role}: what asks for it is refused to everybody (docs/people.md)"


def _promise(config: Config) -> Iterator[str]:
    """A promise that no pack charged here can be known to hold: each would stand in its bay for ever."""
    promised_pct, sure_pct = config.swap.soc_promised_pct, config.swap.soc_confidence_pct
    target_pct, estimated = config.charging.target_soc_pct, bool(config.soc.type)
    doubted = estimated and sure_pct > HALF_PCT
    if target_pct > promised_pct or (target_pct == promised_pct and not doubted):
        return
    better = f"set charging.target_soc_pct to more than {promised_pct:g}" if promised_pct < 100.0 else ""
    lower = f"set swap.soc_promised_pct to less than {target_pct:g}"
    because = "that is where charging ends"
    if doubted:
        because = f"the estimator has to be {sure_pct:g} % sure, which takes some {INTERVAL_PCT:g} % more"
        most_pct = promised_pct + INTERVAL_PCT
        better = f"set charging.target_soc_pct to {most_pct:g} or more" if most_pct <= 100.0 else ""
        lower = f"set swap.soc_promised_pct to {target_pct - INTERVAL_PCT:g} or less"
    remedy = " or ".join(filter(None, (better, lower)))
    yield (
        f"charged packs may never be handed out: swap.soc_promised_pct is {promised_pct:g} %, packs are charged to "
        f"{target_pct:g} % (charging.target_soc_pct), and {because}; {remedy} (docs/soc.md, Handing out)"
    )
