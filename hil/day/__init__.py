"""Evidence for charging under a grid limit: whole days of a station in virtual time (docs/day.md)."""
