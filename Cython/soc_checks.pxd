# cython: language_level=3, cdivision=True
"""What a type, a memory and a record have to be, so that no frame can lead to a number that is none.

Each answers the place of the first number that is wrong, -1: all are good.
"""
from libc.math cimport isfinite
from soc_types cimport Cell, Curves, Pack, POINTS, TERMS, WARMTHS


cdef inline int wrong_in_cell(const Cell* cell) noexcept nogil:
    """Nothing below zero; nothing zero that is divided by."""
    cdef const double* numbers = <const double*>cell
    cdef double product = cell.capacity_ah * cell.fast_s * cell.branch_s * cell.model_length * cell.model_s * cell.noise_v
    cdef int i
    for i in range(<int>(sizeof(Cell) // sizeof(double))):
        if not 0 <= numbers[i] < 1e9:
            return i
    return -1 if product > 0 else 0


cdef inline int wrong_in_terms(const Curves* curves) noexcept nogil:
    """Of soc_types.Terms: times and the exchange current are divided by."""
    cdef const double* terms
    cdef double least
    cdef int i, j
    for i in range(WARMTHS):
        terms = <const double*>&curves.terms[i]
        for j in range(TERMS):
            least = 1e-9 if j == 1 or j == 3 or j == 5 else 0
            if not least <= terms[j] < 1e6:
                return i * TERMS + j
    return -1


cdef inline int wrong_in_curves(const Curves* curves) noexcept nogil:
    """The knot."""
    cdef int i
    if not (-1 < curves.first <= 0 and 1 < curves.per_step < 1e6):
        return 0
    for i in range(3 * POINTS):
        if not isfinite(curves.plateau[i]) or not isfinite(curves.knee[i // 3]):
            return i // 3
    return -1


cdef inline int wrong_in_memory(Pack* pack) noexcept nogil:
    """All numbers of a pack, but the last frame's, which is kept as it came from the wire."""
    cdef const double* numbers = <const double*>pack
    cdef double current_a = pack.last_current_a
    cdef double voltage_v = pack.last_voltage_v
    cdef int i, wrong = -1
    pack.last_current_a = pack.last_voltage_v = 0
    for i in range(<int>(sizeof(Pack) // sizeof(double))):
        if not isfinite(numbers[i]):
            wrong = i
            break
    pack.last_current_a = current_a
    pack.last_voltage_v = voltage_v
    return wrong
