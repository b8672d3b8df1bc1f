# cython: language_level=3, boundscheck=False, wraparound=False
"""A planted defect: reads right behind an array. The address sanitizer has to report it."""
from libc.stdlib cimport calloc, free


def run():
    """What stands behind four elements."""
    cdef int count = int("4")
    cdef int* four = <int*>calloc(count, sizeof(int))
    cdef int i, total = 0
    for i in range(count + 1):
        total += four[i]
    free(four)
    return total
