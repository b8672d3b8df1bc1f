"""The steps in which the controller judges packs: chosen, verified, accepted or quarantined. Pure."""

from __future__ import annotations

from dataclasses import replace

from drivers.pack_status import PackLink, PackStatus
from station_ctl.model.places import bay, mount
from station_ctl.model.state import StationState
from station_ctl.model.visit import Exchange, Swap
from station_ctl.model.words import Reason
from station_ctl.swap import choice, plan
from station_ctl.swap.look import Go, Look, Outcome, Suspend, hold, wait


def choose(look: Look) -> Outcome:
    """The charged pack of this exchange, judged again on fresh data."""
    swap = look.swap
    chosen = choice.choose_again(swap.exchange, look.state, look.snapshot, look.config)
    if isinstance(chosen, Reason):
        return Suspend(chosen)
    return Go("chosen", replace(look.state, swap=with_exchange(swap, swap.index, chosen)))


def verify(look: Look) -> Outcome:
    """Until every pack put in so far says it is the right one, healthy and charged; then the next mount, or the end."""
    swap = look.swap
    for exchange in (e for e in swap.exchanges if e.mount in swap.installed):
        pack = look.snapshot.pack(mount(exchange.mount))
        if pack.link is not PackLink.MONITORED:
            return _verifying(look, exchange.mount, f"BMS {pack.link.name.lower()}")
        if plan.serial(pack) != exchange.serial_in:
            return hold("wrong_pack", _not_ours(exchange, plan.serial(pack)))
        if why := _quarantined(look, exchange):
            return hold("pack_not_verified", f"pack at mount {exchange.mount}: quarantined: {why}")
        if wrong := plan.fault(pack, look.config, look.now_s) or _undercharged(look, exchange, pack):
            return _verifying(look, exchange.mount, wrong)
    if swap.backed_out or swap.exchange.mount in swap.installed:
        return Go("all_verified", look.state)
    return _next_mount(look, swap)


def _not_ours(exchange: Exchange, said: str | None) -> str:
    """Who is there instead; a monitored pack without a serial shares its address with another."""
    who = said or "two packs claim its address (part the coupler of this one until its BMS is silent, find the other)"
    return f"mount {exchange.mount}: {who}, expected {exchange.serial_in}"


def _quarantined(look: Look, exchange: Exchange) -> str:
    """Why the pack that was put in must not leave, '' if it may; a truck's own pack is given back to it as it came."""
    own = exchange.serial_in == exchange.serial_out
    return "" if own else look.state.quarantined.get(exchange.serial_in, "")


def _undercharged(look: Look, exchange: Exchange, pack: PackStatus) -> str:
    """'' if the pack has what was promised, to the 1 % that BCS can say; a truck's own pack is not asked."""
    soc_pct = pack.soc_pct.good(look.now_s, look.config.swap.pack_data_age_s)
    own = exchange.serial_in == exchange.serial_out
    if own or (soc_pct is not None and soc_pct >= look.swap.soc_promised_pct - 1.0):
        return ""
    return f"charge {soc_pct} %, promised {look.swap.soc_promised_pct:g} %"


def _next_mount(look: Look, swap: Swap) -> Outcome:
    """A mount is opened only if there is a bay for its pack now, and its pack is safe to take in."""
    placed = choice.place_again(swap.exchange, look.state, look.snapshot, look.config, look.decision.thermal)
    if isinstance(placed, Reason):
        return Suspend(placed)
    return Go("verified", replace(look.state, swap=with_exchange(swap, swap.index, placed)))


def _verifying(look: Look, number: int, why: str) -> Outcome:
    if look.elapsed_s > look.config.swap.handshake_timeout_s:
        return hold("pack_not_verified", f"pack at mount {number}: {why}")
    return wait("verifying", f"pack at mount {number}: {why}")


def settle(look: Look) -> Outcome:
    """Until every discharged pack is accepted; what is not by then is quarantined with the reason."""
    open_ones = [e for e in exchanged(look.swap) if e.accepted is None]
    if not open_ones:
        return Go("settled", look.state)
    if look.elapsed_s <= look.config.swap.handshake_timeout_s:
        return wait("accepting", f"pack in bay {open_ones[0].bay_in}: {_doubt(look, open_ones[0])}")
    state = look.state
    for exchange in open_ones:
        found = plan.serial(look.snapshot.pack(bay(exchange.bay_in)))
        state = decided(state, exchange, False, _doubt(look, exchange), found)
    return Go("settled", state)


def exchanged(swap: Swap) -> list[Exchange]:
    """Exchanges whose discharged pack stays in the station."""
    return [e for e in swap.exchanges if e.mount in swap.installed and e.serial_in != e.serial_out]


def with_exchange(swap: Swap, index: int, exchange: Exchange) -> Swap:
    """The swap with one exchange replaced."""
    return replace(swap, exchanges=(*swap.exchanges[:index], exchange, *swap.exchanges[index + 1 :]))


def _doubt(look: Look, exchange: Exchange) -> str:
    """Why the discharged pack is not accepted into stock, '' if it can be."""
    pack = look.snapshot.pack(bay(exchange.bay_in))
    if pack.link is not PackLink.MONITORED:
        return f"BMS {pack.link.name.lower()}"
    if plan.serial(pack) != exchange.serial_out:
        return f"serial is {plan.serial(pack)}, expected {exchange.serial_out}"
    if plan.hot_name(look.state.quarantined, exchange.serial_out):
        return look.state.quarantined[exchange.serial_out]
    return plan.fault(pack, look.config, look.now_s)


def accept(look: Look) -> StationState:
    """Accept discharged packs into stock while the robot goes on working."""
    state, swap = look.state, look.state.swap
    for exchange in swap.exchanges if swap else ():
        if exchange.accepted is None and exchange.serial_out and not _doubt(look, exchange):
            state = decided(state, exchange, True, "")
    return state


def decided(
    state: StationState, exchange: Exchange, accepted: bool, remark: str, found: str | None = None
) -> StationState:
    """The state with a discharged pack accepted, or quarantined for the reason in `remark`.

    found: the serial that the bay's BMS tells; if it is not the expected one, both are quarantined.
    """
    swap = state.swap
    if swap is None:
        return state
    new = with_exchange(swap, swap.exchanges.index(exchange), replace(exchange, accepted=accepted, remark=remark))
    quarantined = {serial: why for serial, why in state.quarantined.items() if serial != exchange.serial_out}
    if not accepted:
        quarantined |= {serial: remark for serial in (exchange.serial_out, found) if serial}
    return replace(state, swap=new, quarantined=quarantined)
