"""The virtual ground: a whole station on one event loop in virtual time, its wires in memory, one seed."""
