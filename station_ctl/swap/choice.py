"""Which pack goes where: the plan of a swap, and what becomes of it when bays and packs are no longer as they were."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from station_ctl.config import Config
from station_ctl.model.look import Snapshot
from station_ctl.model.places import Place, bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange
from station_ctl.model.words import Reason
from station_ctl.swap.plan import free_bays, hot_name, readiness, ready_bays, serial


def make(
    mounts: Iterable[int],
    state: StationState,
    snapshot: Snapshot,
    config: Config,
    promised_pct: float,
    thermal: Collection[Place],
) -> tuple[Exchange, ...] | Reason:
    """A plan for the mounts in turn, or the reason why there is none yet.

    A bay emptied by one exchange takes the discharged pack of the next, so one free bay is enough.
    """
    wanted = list(mounts)
    ready = ready_bays(state, snapshot, config, promised_pct)
    if len(ready) < len(wanted):
        return Reason("no_charged_pack", f"{len(ready)} of {len(wanted)} packs at {promised_pct:g} % or more are ready")
    nameless = [n for n in wanted if serial(snapshot.pack(mount(n))) is None]
    if nameless:
        return Reason("pack_identity", f"the pack at mount {nameless[0]} has gone silent")
    free = free_bays(state, snapshot, config, thermal)
    if not free:
        return Reason("no_free_bay", "no bay is free for a discharged pack")
    exchanges = []
    for number, bay_out in zip(wanted, ready, strict=False):
        bay_in = min(free, key=lambda n: (abs(n - bay_out), n))  # the shortest empty run between the two
        free.remove(bay_in)
        free.append(bay_out)
        exchanges.append(_exchange(number, bay_in, bay_out, snapshot))
    return tuple(exchanges)


def _exchange(number: int, bay_in: int, bay_out: int, snapshot: Snapshot) -> Exchange:
    old, new = snapshot.pack(mount(number)), snapshot.pack(bay(bay_out))
    return Exchange(
        mount=number,
        serial_out=serial(old) or "",
        soc_out_pct=old.soc_pct.value,
        bay_in=bay_in,
        bay_out=bay_out,
        serial_in=serial(new) or "",
        soc_in_pct=new.soc_pct.value or 0.0,
    )


def place_again(
    exchange: Exchange, state: StationState, snapshot: Snapshot, config: Config, thermal: Collection[Place]
) -> Exchange | Reason:
    """The exchange with a bay for the discharged pack that is free now: the planned one if it still is."""
    free = free_bays(state, snapshot, config, thermal)
    if exchange.bay_in in free:
        return exchange
    if not free:
        return Reason("no_free_bay", f"bay {exchange.bay_in} is no longer free and no other is")
    return replace(exchange, bay_in=min(free, key=lambda n: (abs(n - exchange.bay_out), n)))


def choose_again(exchange: Exchange, state: StationState, snapshot: Snapshot, config: Config) -> Exchange | Reason:
    """The exchange with a pack that is ready now: the planned one if it still is, else the best other one.

    A pack that is fetched back for its own truck (back out) is not judged by its charge; after a thermal event it is
    not fetched at all.
    """
    pack = snapshot.pack(bay(exchange.bay_out))
    if exchange.serial_in == exchange.serial_out and not hot_name(state.quarantined, exchange.serial_out):
        return exchange
    swap = state.swap
    promised = swap.soc_promised_pct if swap else config.swap.soc_promised_pct
    planned = {e.bay_out for e in swap.exchanges[swap.index + 1 :]} if swap else set()
    if serial(pack) == exchange.serial_in and not readiness(exchange.bay_out, state, snapshot, config, promised):
        return replace(exchange, charged_kwh=_charged_kwh(exchange.bay_out, state))
    for number in ready_bays(state, snapshot, config, promised):
        if number not in planned:
            other = snapshot.pack(bay(number))
            return replace(
                exchange,
                bay_out=number,
                serial_in=serial(other) or "",
                soc_in_pct=other.soc_pct.value or 0.0,
                charged_kwh=_charged_kwh(number, state),
            )
    why = _no_longer(exchange, serial(pack), readiness(exchange.bay_out, state, snapshot, config, promised))
    return Reason("no_charged_pack", f"bay {exchange.bay_out}: {why}; no other pack is ready")


def _charged_kwh(number: int, state: StationState) -> float | None:
    """What the pack has taken in its bay; its charge is over since it was chosen."""
    charge = state.charging.get(number)
    return charge.stay_kwh if charge is not None else None


def _no_longer(exchange: Exchange, said: str | None, why: str) -> str:
    if said is not None and said != exchange.serial_in:
        return f"it holds {said}, planned was {exchange.serial_in}"
    return f"{exchange.serial_in} cannot be handed out: {why}"
