"""Invariants: what must never be seen in any run, checked every cycle from outside of the controller."""
