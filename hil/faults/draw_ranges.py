"""How strong and how long each fault of a soak may be. Weak ones are drawn as often as strong ones."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, get_args

from hil.faults import site_kinds as site
from hil.faults.model import Shown
from hil.faults.plant_kinds import SENSORS, PlantPack

Parameters = dict[str, Any]
Draw = Callable[[random.Random], Parameters]

USUALLY_S = 20.0
LONGEST_S = {
    "modbus.cut": 3.0,
    "modbus.half_open": 3.0,
    "modbus.stale": 5.0,
    "plc.reboot": 10.0,
    "controller.kill": 10.0,
    "people.button": 0.1,
    "people.estop": 10.0,
    "people.zone": 10.0,
    "broker.outage": 60.0,
    "wall_clock.jump": 120.0,
}
"""The longest that a fault of this kind lasts; of all others USUALLY_S."""

SHOWN = ("false", *get_args(Shown))  # a plain FALSE twice as often as one that is in doubt
PACK_FAULTS = get_args(PlantPack.model_fields["fault"].annotation)
VERBS = get_args(site.PeopleButton.model_fields["verb"].annotation)


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    """Every order of magnitude with the same chance, to three places: a regression file is to be read."""
    return float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.3g}")


def _rate(rng: random.Random, low: float = 0.005, high: float = 0.5) -> Parameters:
    """A chance; now and then it is certain."""
    return {"rate": 1.0 if rng.random() < 0.2 else log_uniform(rng, low, high)}


def _some(rng: random.Random) -> Parameters:
    """Some frames by chance, or the next few for certain."""
    if rng.random() < 0.5:
        return _rate(rng)
    return {"count": rng.randint(1, 6), "function": rng.choice(("any", "read", "write"))}


def _delay(rng: random.Random) -> Parameters:
    how = {"direction": rng.choice(("requests", "replies"))}
    return _rate(rng) | how | {"delay_ms": log_uniform(rng, 1, 400), "jitter_ms": log_uniform(rng, 1, 100)}


def _cut(rng: random.Random) -> Parameters:
    return {} if rng.random() < 0.5 else {"count": rng.randint(1, 3)}


def _flip(rng: random.Random) -> Parameters:
    """Of the status few: nothing tells the controller of a flipped number, only the next answer does."""
    if rng.random() < 0.5:
        return {"block": "command", "signals": "any", "bits": rng.randint(1, 4)} | _rate(rng, 0.01)
    return {"block": "status", "bits": 1, "rate": log_uniform(rng, 0.001, 0.02)}


def _noise(rng: random.Random) -> Parameters:
    rates = ("drop_request_rate", "drop_reply_rate", "exception_rate", "delay_rate")
    delay_min_ms = log_uniform(rng, 1, 20)
    return {rate: log_uniform(rng, 0.001, 0.05) for rate in rates} | {
        "cut_rate": log_uniform(rng, 0.00001, 0.001),
        "delay_min_ms": delay_min_ms,
        "delay_max_ms": delay_min_ms + log_uniform(rng, 1, 150),
    }


def _disk(rng: random.Random) -> Parameters:
    return {"after_operations": rng.randrange(4), "count": rng.randint(1, 5)}


def _old_command(rng: random.Random) -> Parameters:
    return {
        "every_s": log_uniform(rng, 0.2, 10),
        "min_age_s": rng.choice((0.0, 5.0, 130.0)),
        "retained": rng.random() < 0.3,
        "count": rng.randint(1, 5),
    }


def _jump(rng: random.Random) -> Parameters:
    return {"jump_s": rng.choice((-1.0, 1.0)) * log_uniform(rng, 0.01, 1e7)}


def _input(rng: random.Random) -> Parameters:
    return {"shows": rng.choice(SHOWN)}


PARAMETERS: dict[str, Draw] = {
    "modbus.delay": _delay,
    "modbus.drop_requests": _some,
    "modbus.drop_replies": _some,
    "modbus.duplicate": lambda rng: _rate(rng) | {"direction": rng.choice(("requests", "replies"))},
    "modbus.exception": lambda rng: _some(rng) | {"code": rng.choice((1, 2, 3, 4, 5, 6, 10, 11))},
    "modbus.stale": lambda rng: {"heartbeat_runs": rng.random() < 0.5},
    "modbus.flip_bits": _flip,
    "modbus.cut": _cut,
    "modbus.lying_echo": lambda rng: {
        "says": rng.choice(("accepted", "executing", "done")),
        "withheld": rng.random() < 0.7,
    },
    "modbus.noise": _noise,
    "can.loss": lambda rng: _rate(rng, 0.02, 0.9) | {"direction": rng.choice(("from_nodes", "to_nodes"))},
    "can.stuck_counter": _rate,
    "can.frozen": _rate,
    "can.wrong_dlc": lambda rng: _rate(rng) | {"length_bytes": rng.randrange(9)},
    "can.untrusted": _rate,
    "can.babble": lambda rng: {"frames_per_s": log_uniform(rng, 50, 1500)},
    "can.conflict": lambda rng: {"serial": f"DUPL-{rng.randrange(10**8):08d}", "soc_pct": float(rng.randrange(101))},
    "can.broken_transport": lambda rng: _rate(rng) | {"how": rng.choice(("missing", "reordered", "aborted"))},
    "broker.duplicate": _rate,
    "broker.reorder": lambda rng: _rate(rng) | {"delay_ms": log_uniform(rng, 5, 5000)},
    "broker.old_command": _old_command,
    "broker.slow": lambda rng: {"delay_ms": log_uniform(rng, 10, 8000), "jitter_ms": log_uniform(rng, 1, 1000)},
    "disk.full": _disk,
    "disk.sync_failed": lambda rng: _disk(rng) | {"written": rng.random() < 0.3},
    "disk.torn_write": lambda rng: {"after_operations": rng.randrange(4)},
    "plc.reboot": lambda rng: {"in_move": rng.random() < 0.6},
    "wall_clock.jump": _jump,
    "people.zone": _input,
    "people.estop": _input,
    "people.doors": _input,
    "people.fire": _input,
    "plant.pack": lambda rng: {"bay": rng.randint(1, 8), "fault": rng.choice(PACK_FAULTS)},
    "plant.sensor": lambda rng: {"name": rng.choice(SENSORS), "shows": rng.choice(SHOWN)},
    "plant.lock_jams": lambda rng: {"mount": rng.randint(1, 3)},
    "plant.smoke": lambda rng: {"bay": rng.randint(1, 8)},
    "plant.supply_weld": lambda rng: {"bay": rng.randint(1, 8)},
    "plant.key_switch": lambda rng: {"mode": rng.choice(("maintenance", "manual"))},
    "plant.parking": lambda rng: {"x_error_mm": float(rng.randint(-200, 200))},
    "people.button": lambda rng: {"verb": rng.choice(VERBS)},
}
"""The parameters of each kind that has any; the addresses of CAN nodes are drawn apart."""
