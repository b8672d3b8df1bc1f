"""The compiled kernels, built from the sources in `Cython/`."""
