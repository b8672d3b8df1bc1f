"""Alarms per ISA-18.2 / IEC 62682: one catalogue file, a pure life cycle, floods. Nothing here knows the uplink."""
