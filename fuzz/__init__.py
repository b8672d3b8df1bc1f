"""Coverage-guided fuzzing of every byte path from outside, through the production code (docs/fuzzing.md)."""
