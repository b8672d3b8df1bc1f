"""The swap: its table of steps and edges, the plan of packs, the pure step, the operator's verbs."""
