"""Mutation testing of the kernels: every small change of their source has to make a kernel test fail."""
