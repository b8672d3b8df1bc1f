"""The bench: plant physics and the peers that speak the real wires."""
