# cython: language_level=3, cdivision=True
"""One pack followed frame by frame: frames into windows, windows into looks, and what a look leads to."""
from soc_answer cimport Mixture, gather, gather_state, sd, sharpened
from libc.math cimport INFINITY, exp
from soc_bank cimport begin, lives, merge, spread
from soc_cells cimport Cells, Middle, hear_cells
from soc_input cimport begin_window, take
from soc_kept cimport forget_charge
from soc_look cimport judge, outside
from soc_power cimport Present
from soc_told cimport between, present
from soc_types cimport BANK, Cell, Curves, Pack, Q

cdef enum:
    SETTLED_S = 600  # from here on what is told moves by small steps only
    LONGEST_GAP_S = 100000000  # three years


cdef inline bint follow(Pack* pack, Cells* cells, const Cell* cell, const Curves* curves, double dt_s, double current_a,
                        double voltage_v, double temperature_c, double meter_a) noexcept nogil:
    """One frame. True when the window ended and the hypotheses were weighed."""
    cdef bint was = pack.docked != 0
    dt_s = min(dt_s, LONGEST_GAP_S) if dt_s >= 0 else 0
    take(pack, cell, curves, dt_s, current_a, voltage_v, temperature_c, meter_a)
    if pack.docked and not was and pack.looks:
        spread(pack, cell, 0.02)
    if pack.window.elapsed_s < cell.window_s:
        return False
    pack.shown += pack.window.charge
    judge(pack, cell, curves)
    if pack.alive == 0:
        spread(pack, cell, 1)
    if cells.count and cells.samples:
        weigh_cells(pack, cells, cell, curves)
    pack.looks += 1
    look_after(pack, cell)
    begin_window(&pack.window)
    return True


cdef inline void weigh_cells(Pack* pack, Cells* cells, const Cell* cell, const Curves* curves) noexcept nogil:
    cdef Present now
    cdef Middle mid
    cdef double lag = pack.lag_slow + pack.lag_fast
    present(pack, &now, 0.5)
    mid.graphite = now.graphite
    mid.surface = (now.charge + lag) / now.graphite
    mid.gap = now.capacity - now.charge - cell.knee_lag * lag
    mid.warm_k = now.temperature_c - 25
    mid.branch = now.branch
    mid.capacity = now.capacity
    mid.eta_v = pack.eta_mean_v
    hear_cells(cells, curves, &mid)


cdef inline void look_after(Pack* pack, const Cell* cell) noexcept nogil:
    """Sure: one filter is enough. Failing or blind for long: everything is thought possible again."""
    if pack.window.spread > 0 and lost(pack):
        forget_charge(pack, cell)
    elif absurd(pack):
        pack.woken = pack.looks
        begin(pack, cell, 0.5, INFINITY, 1)
    elif pack.innovation > 9 and pack.window.count and pack.looks - pack.woken > 60:
        pack.woken = pack.looks
        spread(pack, cell, 0.1)
    elif pack.alive > 1 and <long>pack.looks % 12 == 0 and sure(pack):
        merge(pack)
    show(pack)


cdef inline bint lost(const Pack* pack) noexcept nogil:
    """Less is known of the charge than that it is between empty and full (sd 0.29)."""
    cdef Mixture mix
    gather(pack, &mix, 0)
    return sd(&mix) > 0.32


cdef inline bint absurd(const Pack* pack) noexcept nogil:
    """What fits best is beyond what a pack can be: a start that was not true, or another pack than the record's."""
    cdef double total = 0, beyond = 0, weight
    cdef int n
    for n in range(BANK):
        if lives(&pack.bank[n]):
            weight = exp(pack.bank[n].log_weight)
            total += weight
            beyond += weight * outside(&pack.bank[n], pack.window.count == 0)
    return beyond > 0.03 * total


cdef inline bint sure(const Pack* pack) noexcept nogil:
    """Charge known to 0.6 %, capacity to 1 %."""
    cdef Mixture mix
    gather(pack, &mix, 0)
    if not sd(&mix) < 0.006:
        return False
    gather_state(pack, &mix, Q)
    return sd(&mix) < 0.01


cdef inline void show(Pack* pack) noexcept nogil:
    """One look moves what is told by a step at most once it has settled: a frame cannot make it jump."""
    cdef Mixture mix
    cdef double step = 0.015
    cdef double soc
    gather(pack, &mix, 0)
    soc = between(sharpened(&mix))
    if pack.age_s > SETTLED_S:
        soc = min(max(soc, pack.shown - step), pack.shown + step)
    pack.shown = soc
