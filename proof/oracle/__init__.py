"""What the interlock has to answer, in plain Python, from docs/cause-and-effect.md and nothing else.

Shares no code with the kernel, its table or its configuration (.importlinter holds it to that).
"""
