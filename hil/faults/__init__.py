"""Faults of a station as data, and the wires and the disk that make them; nothing in here has a clock or a socket."""
