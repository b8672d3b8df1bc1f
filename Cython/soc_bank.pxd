# cython: language_level=3, cdivision=True
"""The bank: hypotheses of charge x capacity that together are what the pack may be; how they begin, die and become one.

A point-mass (Rao-Blackwell) filter with a Gaussian at each point. soc_look carries them on and weighs them.
"""
from libc.math cimport exp, floor, log
from libc.string cimport memset
from soc_types cimport B, BANK, C, CHARGES, Cell, G, HEALTHS, Hypothesis, Health, Pack, PACKED, Q, S, STATES, X

cdef enum:
    DEAD = -1000000

cdef inline bint lives(const Hypothesis* one) noexcept nogil:
    return one.log_weight > -18.37


cdef inline void place(Pack* pack, const Cell* cell, Hypothesis* one, double charge, double sd,
                       const Health* health) noexcept nogil:
    """A hypothesis as it is before any voltage: so much charge -+ sd in a pack of that health."""
    cdef double grown = pack.prior.scale_aged * (1 - health.graphite)
    memset(one.mean, 0, sizeof(double) * STATES)
    memset(one.covariance, 0, sizeof(double) * PACKED)
    one.extra = 0
    one.mean[X] = charge
    one.mean[Q] = health.capacity
    one.mean[S] = pack.prior.scale + grown
    one.mean[G] = health.graphite
    one.mean[C] = pack.prior.level_v
    one.mean[B] = pack.prior.bias
    one.covariance[0] = sd ** 2
    one.covariance[2] = health.sd ** 2
    one.covariance[5] = cell.branch_sd ** 2
    one.covariance[9] = pack.prior.scale_sd ** 2 + grown ** 2
    one.covariance[14] = health.graphite_sd ** 2
    one.covariance[20] = pack.prior.level_sd_v ** 2
    one.covariance[27] = 2 * cell.model_sd_v ** 2
    one.covariance[35] = pack.prior.bias_sd ** 2


cdef inline void spread(Pack* pack, const Cell* cell, double share) noexcept nogil:
    """Every charge from empty to full, evenly, in hypotheses that are dead: together they weigh `share` of all.

    The places are the same for every health: before the knee nothing tells healths apart, so nothing may seem to."""
    cdef double step = 1.0 / (CHARGES - 1)
    cdef double places
    cdef int j, k
    cdef Hypothesis* one
    pack.anew = 1
    for j in range(HEALTHS):
        places = pack.health[j].capacity / step + 1
        for k in range(CHARGES):
            one = &pack.bank[j * CHARGES + k]
            if not lives(one) and k < places:
                place(pack, cell, one, k * step, 0.65 * step, &pack.health[j])
                one.log_weight = log(share * pack.health[j].weight / places)
    settle(pack)


cdef inline void begin(Pack* pack, const Cell* cell, double soc, double sd, double doubt) noexcept nogil:
    """Charges about soc, and any with the weight of the doubt: who said so may be wrong. sd not below 1: any, all alike.

    The places are multiples of one step for every health: where the curve bends, a finer or shifted grid would win.
    Every other one is left to the doubt."""
    cdef double step = 10 * sd / (CHARGES - 1)
    cdef double middle, here, total
    cdef int j, k
    cdef Hypothesis* one
    cdef Health* health
    for k in range(BANK):
        pack.bank[k].log_weight = DEAD
    if not sd < 1:
        spread(pack, cell, 1)
        return
    pack.anew = 1
    pack.woken = pack.looks - 61  # it may be woken as soon as it fails
    for j in range(HEALTHS):
        health = &pack.health[j]
        middle = floor(soc * health.capacity / step + 0.5)
        total = 0
        for k in range(0, CHARGES, 2):
            one = &pack.bank[j * CHARGES + k]
            here = (middle + k // 2 - CHARGES // 4) * step / health.capacity
            place(pack, cell, one, here * health.capacity, 0.65 * step, health)
            one.covariance[0] += (here * health.sd) ** 2
            one.covariance[1] = here * health.sd ** 2
            one.log_weight = -((here - soc) / sd) ** 2 / 2
            total += exp(one.log_weight)
        for k in range(0, CHARGES, 2):
            pack.bank[j * CHARGES + k].log_weight += log(health.weight / total)
    spread(pack, cell, doubt)


cdef inline void settle(Pack* pack) noexcept nogil:
    """The best has log weight 0; who is 1e-8 of it is dead and costs nothing more."""
    cdef double best = DEAD
    cdef int n
    pack.alive = 0
    for n in range(BANK):
        best = max(best, pack.bank[n].log_weight)
    for n in range(BANK):
        if best > DEAD:
            pack.bank[n].log_weight -= best
        if lives(&pack.bank[n]):
            pack.alive += 1
        else:
            pack.bank[n].log_weight = DEAD  # for good: what is not carried on must not come back as it was


cdef inline void merge(Pack* pack) noexcept nogil:
    """All that live become one, by their moments: the pack is sure, and one filter is enough until it is woken."""
    cdef Hypothesis one
    cdef double total = 0, weight
    cdef int n, i, j, k
    memset(&one, 0, sizeof(Hypothesis))
    for n in range(BANK):
        if lives(&pack.bank[n]):
            weight = exp(pack.bank[n].log_weight)
            total += weight
            one.extra += weight * pack.bank[n].extra
            for i in range(STATES):
                one.mean[i] += weight * pack.bank[n].mean[i]
    for i in range(STATES):
        one.mean[i] /= total
    one.extra /= total
    for n in range(BANK):
        if lives(&pack.bank[n]):
            weight = exp(pack.bank[n].log_weight) / total
            k = 0
            for i in range(STATES):
                for j in range(i + 1):
                    one.covariance[k] += weight * (
                        pack.bank[n].covariance[k]
                        + (pack.bank[n].mean[i] - one.mean[i]) * (pack.bank[n].mean[j] - one.mean[j])
                    )
                    k += 1
            pack.bank[n].log_weight = DEAD
    pack.bank[0] = one
    pack.alive = 1
