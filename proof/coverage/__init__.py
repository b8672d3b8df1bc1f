"""Coverage of the kernels by their own tests: every line run, every condition seen true and seen false."""
