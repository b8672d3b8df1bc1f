# cython: language_level=3, cdivision=True
"""A planted defect: a shift by more than the width. The undefined-behaviour sanitizer has to report it."""


def run():
    """One, shifted by forty places."""
    cdef int steps = int("40")
    return <int>1 << steps
