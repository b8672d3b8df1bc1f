"""The faults of one seed of a soak: which, when, how strong, how long."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from hil.faults.catalogue import FAULTS, Fault, parse
from hil.faults.draw_ranges import LONGEST_S, PARAMETERS, USUALLY_S, Parameters, log_uniform
from hil.faults.model import OfNode

ONE_EVERY_S = 45.0
"""On average so long from one fault to the next, in a run that has any."""
MOST_KINDS = 10
HEALED_BEFORE_END = 0.2
"""Part of a run at its end in which no fault begins: what stands still has to come to its end there."""
BENCH_ADDRESSES = (0x27, 0xA1, 0xA2, 0xA3, *range(0xB1, 0xBA))
"""Source addresses of truck, mounts and bays in the bench's own station.toml."""

NEEDS = {
    "modbus": ("fault.modbus",),
    "can": ("fault.can",),
    "broker": ("fault.broker",),
    "disk": ("fault.disk",),
    "wall_clock": ("fault.wall_clock",),
    "plc": ("plc_power",),
    "controller": ("kill",),
    "people": (),
    "plant": ("fault.plant",),
    "disk.torn_write": ("fault.disk", "kill"),
}
"""What a ground has to be capable of, by kind or by its first word."""


def needs(kind: str) -> tuple[str, ...]:
    """The capabilities without which a ground cannot make a fault of this kind."""
    return NEEDS.get(kind) or NEEDS[kind.split(".")[0]]


def draw(
    rng: random.Random,
    duration_s: float,
    capabilities: Collection[str],
    addresses: Sequence[int] = BENCH_ADDRESSES,
    *,
    every_s: float = ONE_EVERY_S,
) -> list[tuple[float, Fault]]:
    """Faults for a run of this duration, with the time each begins at; every one has its lasts_s.

    Only what the capabilities allow. addresses: nodes there may be on the CAN bus; every_s: from one fault to the next
    on average. The same rng state, the same faults.
    """
    possible = [kind for kind in FAULTS if all(need in capabilities for need in needs(kind))]
    kinds = rng.sample(possible, min(len(possible), rng.randint(1, MOST_KINDS)))
    last_s = duration_s * (1.0 - HEALED_BEFORE_END)
    number = max(1, round(rng.uniform(0.5, 1.5) * last_s / every_s))
    times = sorted(round(rng.uniform(0.0, last_s), 3) for _ in range(number))
    return [(at_s, _one(rng, rng.choice(kinds), duration_s - at_s, addresses)) for at_s in times]


def _one(rng: random.Random, kind: str, left_s: float, addresses: Sequence[int]) -> Fault:
    draw_parameters = PARAMETERS.get(kind)
    parameters: Parameters = {"kind": kind} | (draw_parameters(rng) if draw_parameters else {})
    if issubclass(FAULTS[kind], OfNode) and rng.random() < 0.7:
        parameters["source"] = rng.choice(addresses)
    if kind == "can.conflict":
        parameters["address"] = rng.choice(addresses)
    longest_s = min(LONGEST_S.get(kind, USUALLY_S), left_s / 2)
    lasts_s = max(0.05, log_uniform(rng, min(0.1, longest_s), longest_s))
    return parse(parameters | {"lasts_s": lasts_s}, "draw")
