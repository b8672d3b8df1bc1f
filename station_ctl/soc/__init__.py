"""Charge, health and power of packs: cell types as data, the pack's record, the compiled estimator's Python side."""
