"""The oracle against the compiled interlock, over every combination that bears on a permit."""
