"""Evidence for the thermal watch: packs that run away, and station-days of packs that do not (docs/thermal.md)."""
