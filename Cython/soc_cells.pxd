# cython: language_level=3
"""The single cells against their mean: a scalar filter each for how much fuller a cell is than the mean cell.

v_i - v = U(z + dz_i) - U(z) + noise: on the flat nothing is learnt, at the steps and knees a lot. Source: Plett 2009
(bar-delta filtering). First cell empty and first cell full make the pack's own charge.
"""
from soc_cell cimport on_knee, on_plateau
from soc_types cimport Curves

cdef struct Delta:
    double sum_v
    double charge  # of the mean cell's capacity: fuller than the mean
    double variance
    double voltage_v  # mean of the last window, less the mean cell


cdef inline void begin_cells(Delta* cells, int count) noexcept nogil:
    cdef int i
    for i in range(count):
        cells[i].sum_v = cells[i].charge = cells[i].voltage_v = 0
        cells[i].variance = 0.02 ** 2


cdef struct Middle:  # the mean cell
    double surface  # charge at the graphite's surface
    double gap  # charge to full that the knee sees
    double warm_k
    double branch
    double capacity
    double eta_v


cdef inline double open_v(const Curves* curves, const Middle* mid, double fuller) noexcept nogil:
    """Open-circuit voltage of a cell that is so much fuller than the mean one."""
    cdef double unused
    return on_plateau(curves, mid.surface + fuller, mid.warm_k, mid.branch, &unused) + on_knee(curves, mid.gap - fuller)


cdef inline void hear_cells(Delta* cells, int count, double samples, const Curves* curves, const Middle* mid) noexcept nogil:
    """One window's means, each straightened at the cell's own place: the fullest is up the knee before the mean."""
    cdef double noise = 20 * (0.0015 ** 2 + (0.05 * mid.eta_v) ** 2)  # an error lasts about 20 windows
    cdef double mean_v = open_v(curves, mid, 0)
    cdef double gain, slope, here
    cdef int i
    for i in range(count):
        cells[i].voltage_v = cells[i].sum_v / samples
        cells[i].sum_v = 0
        cells[i].variance += 1e-10
        here = cells[i].charge * mid.capacity
        slope = (open_v(curves, mid, here + 0.003) - open_v(curves, mid, here - 0.003)) / 0.006 * mid.capacity
        gain = cells[i].variance * slope / (slope * slope * cells[i].variance + noise)
        cells[i].charge += gain * (cells[i].voltage_v - open_v(curves, mid, here) + mean_v)
        cells[i].charge = min(max(cells[i].charge, -0.2), 0.2)
        cells[i].variance *= 1 - gain * slope


cdef inline void ends(const Delta* cells, int count, double* emptiest, double* fullest, double* lowest_v, double* highest_v) noexcept nogil:
    cdef int i
    emptiest[0] = fullest[0] = lowest_v[0] = highest_v[0] = 0
    for i in range(count):
        emptiest[0] = min(emptiest[0], cells[i].charge)
        fullest[0] = max(fullest[0], cells[i].charge)
        lowest_v[0] = min(lowest_v[0], cells[i].voltage_v)
        highest_v[0] = max(highest_v[0], cells[i].voltage_v)
