# cython: language_level=3, cdivision=True
"""What is told of a pack: its charge, capacity and bias with their intervals, and what they rest on."""
from soc_answer cimport Mixture, doubt, gather, gather_state, mean, quantile, sd, sharpened
from soc_cells cimport Cells, Ends, ends_of
from soc_power cimport Present
from soc_types cimport B, C, Cell, G, H, Pack, Q, S

cdef enum:  # what the charge rests on
    ANCHORED = 0
    PLATEAU = 1
    COASTING = 2
    DOUBTFUL = 3

cdef enum:  # places in an answer
    SOC = 0
    SOC_P05 = 1
    SOC_P50 = 2
    SOC_P95 = 3
    SOC_SD = 4
    CAPACITY_AH = 5
    CAPACITY_P05_AH = 6
    CAPACITY_P95_AH = 7
    BIAS_A = 8
    BIAS_SD_A = 9
    REASON = 10
    ANSWERS = 11


cdef inline void gather_told(const Pack* pack, Mixture* mix, double less) noexcept nogil:
    """State of charge, `less` charge ago, with its doubts."""
    cdef double capacity, capacity_sd
    gather_state(pack, mix, Q)
    capacity = mean(mix)
    capacity_sd = sd(mix)
    gather(pack, mix, less)
    doubt(mix, capacity, capacity_sd, True)


cdef inline void present(const Pack* pack, Present* now, double chance) noexcept nogil:
    """The mean cell; its charge at that quantile."""
    cdef Mixture mix
    gather_state(pack, &mix, Q)
    now.capacity = sharpened(&mix)
    gather_state(pack, &mix, G)
    now.graphite = min(max(mean(&mix), 0.5), 1.1)
    gather_state(pack, &mix, H)
    now.branch = mean(&mix)
    gather_state(pack, &mix, S)
    now.scale = mean(&mix)
    gather_state(pack, &mix, C)
    now.level_v = mean(&mix)
    gather_told(pack, &mix, -pack.window.charge)
    now.charge = now.capacity * (sharpened(&mix) if chance == 0.5 else quantile(&mix, chance))
    now.temperature_c = pack.last_temperature_c


cdef inline void weakest(const Pack* pack, const Cells* cells, Present* low, Present* high) noexcept nogil:
    """The cells that end a discharge and a charge first, each at the charge's unlucky end."""
    cdef Ends ends = ends_of(cells)
    present(pack, low, 0.05)
    present(pack, high, 0.95)
    low.charge += ends.emptiest
    high.charge += ends.fullest
    low.level_v = min(low.level_v, 0) + ends.lowest_v
    high.level_v = max(high.level_v, 0) + ends.highest_v


cdef inline void first_empty(const Pack* pack, const Cells* cells, Present* now, double chance) noexcept nogil:
    """The cell that is empty first."""
    cdef Ends ends = ends_of(cells)
    present(pack, now, chance)
    now.charge = max(now.charge + ends.emptiest, 0)


cdef inline int reason(const Pack* pack, double width) noexcept nogil:
    if pack.innovation > 9 or pack.looks - pack.woken < 60 and pack.woken > 0 or pack.disagree_s > 10:
        return DOUBTFUL
    if pack.blind_s > 60:
        return COASTING
    return ANCHORED if width < 0.01 else PLATEAU


cdef inline void of_pack(const Cells* cells, double* out) noexcept nogil:
    """From the mean cell's charge to the pack's: empty with its first cell, full with its first cell."""
    cdef Ends ends = ends_of(cells)
    cdef double whole = 1 + ends.emptiest - ends.fullest
    cdef int i
    for i in range(SOC, SOC_SD):
        out[i] = (out[i] + ends.emptiest) / whole
    out[SOC_P05] -= 0.25 * (ends.fullest - ends.emptiest)
    out[SOC_P95] += 0.25 * (ends.fullest - ends.emptiest)
    for i in range(CAPACITY_AH, BIAS_A):
        out[i] *= whole


cdef inline double between(double soc) noexcept nogil:
    """No pack is further from empty or full than what `soc_look.outside` lets pass."""
    return min(max(soc, -0.02), 1.02)


cdef inline void tell(const Pack* pack, const Cells* cells, const Cell* cell, double* out) noexcept nogil:
    """ANSWERS numbers."""
    cdef Mixture mix
    cdef int i
    gather(pack, &mix, -pack.window.charge)
    out[SOC_SD] = sd(&mix)
    out[REASON] = reason(pack, out[SOC_SD])
    gather_told(pack, &mix, -pack.window.charge)
    out[SOC] = pack.shown + pack.window.charge if pack.looks else sharpened(&mix)
    out[SOC_P05] = min(quantile(&mix, 0.05), out[SOC])
    out[SOC_P50] = quantile(&mix, 0.5)
    out[SOC_P95] = max(quantile(&mix, 0.95), out[SOC])
    gather_state(pack, &mix, Q)
    doubt(&mix, mean(&mix), sd(&mix), False)
    out[CAPACITY_AH] = sharpened(&mix) * cell.capacity_ah
    out[CAPACITY_P05_AH] = quantile(&mix, 0.05) * cell.capacity_ah
    out[CAPACITY_P95_AH] = quantile(&mix, 0.95) * cell.capacity_ah
    if cells.count:
        of_pack(cells, out)
    for i in range(SOC, SOC_SD):
        out[i] = between(out[i])
    gather_state(pack, &mix, B)
    out[BIAS_A] = mean(&mix) * cell.capacity_ah
    out[BIAS_SD_A] = sd(&mix) * cell.capacity_ah
