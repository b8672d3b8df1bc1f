# cython: language_level=3, cdivision=True
"""The single cells against their mean: a scalar filter each for how much fuller a cell is than the mean cell.

v_i - v = U(z + dz_i) - U(z) + noise: on the flat nothing is learnt, at the steps and knees a lot. Source: Plett 2009
(bar-delta filtering). First cell empty and first cell full make the pack's own charge.
"""
from soc_cell cimport on_knee, on_plateau
from soc_types cimport Cell, Curves

cdef enum:
    MOST_CELLS = 512

cdef struct Delta:
    double sum_v
    double charge  # of the mean cell's capacity: fuller than the mean
    double variance
    double voltage_v  # mean of the last window, less the mean cell


cdef struct Cells:
    int count
    double samples  # of this window
    Delta each[MOST_CELLS]


cdef struct Middle:  # the mean cell
    double surface  # charge at the graphite's surface, in fresh graphite
    double graphite
    double gap  # charge to full that the knee sees
    double warm_k
    double branch
    double capacity
    double eta_v


cdef struct Ends:  # of the pack, against the mean cell
    double emptiest
    double fullest
    double lowest_v
    double highest_v


cdef inline void begin_cells(Cells* cells, int count) noexcept nogil:
    cdef int i
    cells.count = count
    cells.samples = 0
    for i in range(count):
        cells.each[i].sum_v = cells.each[i].charge = cells.each[i].voltage_v = 0
        cells.each[i].variance = 0.02 ** 2


cdef inline void sample_cells(Cells* cells, const Cell* cell, const double* cells_v) noexcept nogil:
    """One frame's voltages into the window; a cell that is not told is as far from the mean as in the last one."""
    cdef double sum_v = 0, told = 0
    cdef int i
    for i in range(cells.count):
        if cell.low_v < cells_v[i] < cell.high_v:
            sum_v += cells_v[i]
            told += 1
    if told < 2:
        return
    cells.samples += 1
    for i in range(cells.count):
        if cell.low_v < cells_v[i] < cell.high_v:
            cells.each[i].sum_v += cells_v[i] - sum_v / told
        else:
            cells.each[i].sum_v += cells.each[i].voltage_v


cdef inline double open_v(const Curves* curves, const Middle* mid, double fuller) noexcept nogil:
    """Open-circuit voltage of a cell that is so much fuller than the mean one."""
    cdef double unused
    return on_plateau(curves, mid.surface + fuller / mid.graphite, mid.warm_k, mid.branch, &unused) + on_knee(curves, mid.gap - fuller)


cdef inline void hear_cells(Cells* cells, const Curves* curves, const Middle* mid) noexcept nogil:
    """One window's means, each straightened at the cell's own place: the fullest is up the knee before the mean."""
    cdef double noise = 20 * (0.0015 ** 2 + (0.05 * mid.eta_v) ** 2)  # an error lasts about 20 windows
    cdef double mean_v = open_v(curves, mid, 0)
    cdef double gain, slope, here, step
    cdef Delta* one
    cdef int i
    for i in range(cells.count):
        one = &cells.each[i]
        one.voltage_v = one.sum_v / cells.samples
        one.sum_v = 0
        one.variance += 1e-10
        here = one.charge * mid.capacity
        slope = (open_v(curves, mid, here + 0.003) - open_v(curves, mid, here - 0.003)) / 0.006 * mid.capacity
        gain = one.variance * slope / (slope * slope * one.variance + noise)
        step = gain * (one.voltage_v - open_v(curves, mid, here) + mean_v)
        one.charge += min(max(step, -0.003), 0.003)  # a wild voltage cannot make the pack jump
        one.charge = min(max(one.charge, -0.2), 0.2)
        one.variance *= 1 - gain * slope
    cells.samples = 0


cdef inline Ends ends_of(const Cells* cells) noexcept nogil:
    cdef Ends ends
    cdef int i
    ends.emptiest = ends.fullest = ends.lowest_v = ends.highest_v = 0
    for i in range(cells.count):
        ends.emptiest = min(ends.emptiest, cells.each[i].charge)
        ends.fullest = max(ends.fullest, cells.each[i].charge)
        ends.lowest_v = min(ends.lowest_v, cells.each[i].voltage_v)
        ends.highest_v = max(ends.highest_v, cells.each[i].voltage_v)
    return ends
