"""Evidence about the compiled kernels: exhaustive proof, mutation, coverage, sanitizers. Not shipped; docs/proof.md."""
