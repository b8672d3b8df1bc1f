"""Soak: many seeded runs of a busy station with faults, on the virtual ground."""
