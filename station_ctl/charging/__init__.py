"""Which bays charge: an interlock a bay, and the choice among those that may. Pure."""
