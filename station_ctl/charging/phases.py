"""One charge as data: its phases, and the edges between them with the reason for each. docs/charging.md shows them."""

from __future__ import annotations

from station_ctl.swap.machine import Table
from station_ctl.swap.table import Edge

PHASES = {
    "ready": "no charge is under way; the charger is off",
    "handshake": "the charger is asked whether it stands by, its relay open",
    "warming": "the pack is too cold: the bay's coolant unit warms it, nothing is charged",
    "insulation_test": "the charger measures the insulation of its output, the supply still open",
    "closing": "the supply closes, then the charger's relay; no current is asked for",
    "charging": "the least of all limits flows",
    "tapering": "the pack is at its voltage limit, the current falls by itself",
    "balancing": "full, but the cells differ: a small current lets the BMS balance them",
    "ramping_down": "no current is asked for; the supply stays closed until none flows",
    "ended": "over; the charger is off",
}
"""What happens in each phase, for a person."""

SUPPLIED = frozenset({"closing", "charging", "tapering", "balancing", "ramping_down"})
"""The bay's supply may be closed."""
POWERED = frozenset({"charging", "tapering", "balancing"})
"""The charger is asked for current."""
RUNNING = frozenset(PHASES) - {"ready", "ended"}
"""A charge is under way."""

EDGES = (
    Edge("begin", "ready", "handshake", "it is the bay's turn"),
    Edge("begin", "ended", "handshake", "it is the bay's turn again"),
    Edge("cold", "handshake", "warming", "the pack is colder than it may be charged"),
    Edge("answered", "handshake", "insulation_test", "the charger stands by"),
    Edge("warm", "warming", "insulation_test", "the pack is warm enough"),
    Edge("insulated", "insulation_test", "closing", "the test was passed"),
    Edge("closed", "closing", "charging", "supply and relay are measured closed"),
    Edge("at_voltage", "charging", "tapering", "the voltage limit is reached"),
    Edge("below_voltage", "tapering", "charging", "the voltage has fallen again"),
    Edge("uneven", "tapering", "balancing", "full, and the cells differ by too much"),
    *(
        Edge("finish", phase, "ramping_down", "an ordinary end: first the current goes, then the contactor opens")
        for phase in ("closing", "charging", "tapering", "balancing")
    ),
    Edge("ramped", "ramping_down", "ended", "no current flows any more, or it was waited for long enough"),
    *(
        Edge("cut", phase, "ended", "a cause of the table, no answer in time, or nothing to charge: off at once")
        for phase in PHASES
        if phase in RUNNING
    ),
)

TABLE = Table("charge", PHASES, EDGES)
