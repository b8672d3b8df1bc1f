"""Watches every pack for a thermal event, without waiting for the pack's own alarm (docs/thermal.md)."""
