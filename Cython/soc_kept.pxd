# cython: language_level=3, cdivision=True
"""What a pack takes along when its charge is forgotten: to its next visit, or over a long time that nobody saw."""
from libc.math cimport INFINITY, sqrt
from soc_answer cimport Mixture, gather_state, mean, sd
from soc_bank cimport begin
from soc_types cimport B, C, Cell, G, Health, HEALTHS, Pack, Q, S


cdef inline Health health_of(double weight, double capacity, double sd, double graphite,
                             double graphite_sd) noexcept nogil:
    cdef Health health
    health.weight = weight
    health.capacity = capacity
    health.sd = sd
    health.graphite = graphite
    health.graphite_sd = graphite_sd
    return health


cdef inline void healths_of(const Pack* pack, Health* out) noexcept nogil:
    """Each group's weight, means and sds; a bank that merged into one keeps some doubt below itself."""
    cdef Mixture capacity, graphite
    cdef double total = 0, q, width, g, width_g
    cdef int j
    gather_state(pack, &capacity, Q)
    gather_state(pack, &graphite, G)
    q = mean(&capacity)
    width = sd(&capacity)
    if width < 0.01:
        g = mean(&graphite)
        width_g = sd(&graphite)
        out[0] = health_of(0.91, q, max(width, 0.006), g, max(width_g, 0.006))
        out[1] = health_of(0.03, q - 0.025, 0.015, g, width_g + 0.01)
        out[2] = health_of(0.02, q - 0.06, 0.02, g, width_g + 0.01)
        out[3] = health_of(0.01, q - 0.12, 0.03, g, width_g + 0.01)
        out[4] = health_of(0.02, q - 0.025, 0.015, g - 0.02, width_g + 0.02)
        out[5] = health_of(0.01, q - 0.06, 0.03, g - 0.06, width_g + 0.03)
        return
    for j in range(HEALTHS):
        out[j] = pack.health[j]
        out[j].weight = of_group(&capacity, j, &out[j].capacity, &out[j].sd)
        of_group(&graphite, j, &out[j].graphite, &out[j].graphite_sd)
        total += out[j].weight
    for j in range(HEALTHS):
        out[j].weight /= total


cdef inline double of_group(const Mixture* mix, int j, double* about, double* width) noexcept nogil:
    """One health's hypotheses as one: mean and sd, its weight; as it began where hardly any are left."""
    cdef double total = 0, centre = 0, apart = 0
    cdef int n
    for n in range(mix.count):
        if mix.health[n] == j:
            total += mix.weight[n]
            centre += mix.weight[n] * mix.mean[n]
    if total < 0.01:
        return 0.01
    centre /= total
    for n in range(mix.count):
        if mix.health[n] == j:
            apart += mix.weight[n] * (mix.reach[n] ** 2 / 5 + (mix.mean[n] - centre) ** 2)
    about[0] = centre
    width[0] = sqrt(apart / total)
    return total


cdef inline void state_of(const Pack* pack, int state, double* about, double* width) noexcept nogil:
    cdef Mixture mix
    gather_state(pack, &mix, state)
    about[0] = mean(&mix)
    width[0] = sd(&mix)


cdef inline void forget_charge(Pack* pack, const Cell* cell) noexcept nogil:
    """Any charge is possible again; what is known of the pack itself stays."""
    cdef Health healths[HEALTHS]
    cdef int j
    healths_of(pack, healths)
    for j in range(HEALTHS):
        pack.health[j] = healths[j]
    state_of(pack, B, &pack.prior.bias, &pack.prior.bias_sd)
    state_of(pack, S, &pack.prior.scale, &pack.prior.scale_sd)
    pack.prior.scale_aged = 0
    state_of(pack, C, &pack.prior.level_v, &pack.prior.level_sd_v)
    pack.unseen = 0
    begin(pack, cell, 0.5, INFINITY, 1)
