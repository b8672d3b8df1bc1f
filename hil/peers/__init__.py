"""The peers that put the plant on the wires: robot PLC, packs and truck, broker."""
