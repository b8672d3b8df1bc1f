# cython: language_level=3, cdivision=True
"""What a pack takes along to its next visit: the four healths that its capacity is thought to be."""
from libc.math cimport sqrt
from soc_answer cimport Mixture, gather_state, mean, sd
from soc_types cimport Health, HEALTHS, Pack, Q


cdef inline Health health_of(double weight, double capacity, double sd) noexcept nogil:
    cdef Health health
    health.weight = weight
    health.capacity = capacity
    health.sd = sd
    return health


cdef inline void healths_of(const Pack* pack, Health* out) noexcept nogil:
    """Each group's weight, mean and sd; a bank that merged into one keeps some doubt below itself."""
    cdef Mixture mix
    cdef double about, width, total = 0
    cdef int j
    gather_state(pack, &mix, Q)
    about = mean(&mix)
    width = sd(&mix)
    if width < 0.01:
        out[0] = health_of(0.91, about, max(width, 0.006))
        out[1] = health_of(0.05, about - 0.025, 0.015)
        out[2] = health_of(0.03, about - 0.06, 0.02)
        out[3] = health_of(0.01, about - 0.12, 0.03)
        return
    for j in range(HEALTHS):
        out[j] = group(pack, &mix, j)
        total += out[j].weight
    for j in range(HEALTHS):
        out[j].weight /= total


cdef inline Health group(const Pack* pack, const Mixture* mix, int j) noexcept nogil:
    """One health's hypotheses as one; as it began where hardly any are left."""
    cdef double total = 0, centre = 0, apart = 0
    cdef int n
    for n in range(mix.count):
        if mix.health[n] == j:
            total += mix.weight[n]
            centre += mix.weight[n] * mix.mean[n]
    if total < 0.01:
        return health_of(0.01, pack.health[j].capacity, pack.health[j].sd)
    centre /= total
    for n in range(mix.count):
        if mix.health[n] == j:
            apart += mix.weight[n] * (mix.reach[n] ** 2 / 5 + (mix.mean[n] - centre) ** 2)
    return health_of(total, centre, sqrt(apart / total))
