"""The physics of the plant: packs, truck, robot. No wires here."""
