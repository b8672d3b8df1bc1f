# cython: language_level=3, cdivision=True
"""What the bank says: means, quantiles and chances over its living hypotheses.

A hypothesis counts as a parabola (Epanechnikov) of the same variance: its 5 % and 95 % points are those of a Gaussian to
1 %, at a few operations each.
"""
from libc.math cimport exp, sqrt
from soc_types cimport BANK, CHARGES, HEALTHS, Hypothesis, Pack

cdef enum:
    TOLD = 372  # each hypothesis and its doubt

cdef struct Mixture:
    int count
    double weight[TOLD]
    double mean[TOLD]
    double reach[TOLD]  # sqrt(5) sd: half the parabola's width
    double per_reach[TOLD]
    double health[TOLD]


cdef inline void add(Mixture* mix, double weight, double mean, double variance) noexcept nogil:
    mix.weight[mix.count] = weight
    mix.mean[mix.count] = mean
    mix.reach[mix.count] = sqrt(5 * max(variance, 1e-12))
    mix.per_reach[mix.count] = 1 / mix.reach[mix.count]
    mix.count += 1


cdef inline void gather(const Pack* pack, Mixture* mix, double less) noexcept nogil:
    """State of charge, `less` charge ago."""
    cdef const Hypothesis* one
    cdef double z, q, total = 0
    cdef int n
    mix.count = 0
    for n in range(BANK):
        one = &pack.bank[n]
        if one.log_weight > -8:
            q = one.mean[1]
            z = (one.mean[0] - less) / q
            mix.health[mix.count] = n // CHARGES
            add(mix, exp(one.log_weight), z,
                (one.covariance[0] - 2 * z * one.covariance[1] + z * z * one.covariance[2]) / (q * q))
            total += mix.weight[mix.count - 1]
    for n in range(mix.count):
        mix.weight[n] /= total


cdef inline void gather_state(const Pack* pack, Mixture* mix, int state) noexcept nogil:
    cdef const Hypothesis* one
    cdef double total = 0
    cdef int n
    mix.count = 0
    for n in range(BANK):
        one = &pack.bank[n]
        if one.log_weight > -8:
            mix.health[mix.count] = n // CHARGES
            add(mix, exp(one.log_weight), one.mean[state], one.covariance[state * (state + 1) // 2 + state])
            total += mix.weight[mix.count - 1]
    for n in range(mix.count):
        mix.weight[n] /= total


cdef inline void widen(Mixture* mix, int n, double by) noexcept nogil:
    """Add a standard deviation."""
    mix.reach[n] = sqrt(mix.reach[n] ** 2 + 5 * by * by)
    mix.per_reach[n] = 1 / mix.reach[n]


cdef inline void doubt(Mixture* mix, double capacity, double capacity_sd, bint of_charge) noexcept nogil:
    """What else a capacity may be, of the charge (below full) or of itself: an aged cell's curve is known less well than a
    fresh one's; and where a knee has told it, it may be smaller, one in eight, because graphite that was lost and not seen at
    a second place of the curve takes for the same look of the knee about twice as much as lost lithium. Below 0.72 no pack
    is in service (two sd below the least health of a type)."""
    cdef double vague = 0.005 + 0.1 * max(1 - capacity, 0)
    cdef double less = min(0.01 + 1.3 * max(1 - capacity, 0), max(capacity - 0.72, 0.01))
    cdef double stretch = capacity / (capacity - less)
    cdef double value
    cdef int n, count = mix.count
    for n in range(count):
        widen(mix, n, (1 - mix.mean[n]) * vague / capacity if of_charge else vague)
        if capacity_sd < 0.03:
            value = 1 - (1 - mix.mean[n]) * stretch if of_charge else mix.mean[n] - less
            mix.health[mix.count] = HEALTHS
            add(mix, 0.125 * mix.weight[n], value, mix.reach[n] ** 2 / 5)
            mix.weight[n] *= 0.875


cdef inline double below(const Mixture* mix, double value) noexcept nogil:
    """Chance that it is below."""
    cdef double sum = 0, u
    cdef int n
    for n in range(mix.count):
        u = (value - mix.mean[n]) * mix.per_reach[n]
        u = min(max(u, -1), 1)
        sum += mix.weight[n] * (2 + u * (3 - u * u))
    return sum / 4


cdef inline double quantile(const Mixture* mix, double chance) noexcept nogil:
    """By halving, and straight over the rest: a half that is decided by a rounding leaves the same."""
    cdef double low = 1e9, high = -1e9, mid
    cdef double below_low = 0, below_high = 1, here
    cdef int n
    for n in range(mix.count):
        low = min(low, mix.mean[n] - mix.reach[n])
        high = max(high, mix.mean[n] + mix.reach[n])
    for n in range(15):
        mid = (low + high) / 2
        here = below(mix, mid)
        if here < chance:
            low = mid
            below_low = here
        else:
            high = mid
            below_high = here
    return low + (high - low) * (chance - below_low) / (below_high - below_low)


cdef inline double mean(const Mixture* mix) noexcept nogil:
    cdef double sum = 0
    cdef int n
    for n in range(mix.count):
        sum += mix.weight[n] * mix.mean[n]
    return sum


cdef inline double sd(const Mixture* mix) noexcept nogil:
    cdef double sum = 0, about = mean(mix)
    cdef int n
    for n in range(mix.count):
        sum += mix.weight[n] * (mix.reach[n] ** 2 / 5 + (mix.mean[n] - about) ** 2)
    return sqrt(sum)


cdef inline double sharpened(const Mixture* mix) noexcept nogil:
    """Mean where the likelier capacities count by the square of their weight: smooth as a mean, and a rare aged pack
    does not pull every fresh one."""
    cdef double share[HEALTHS + 1]
    cdef double sum = 0, total = 0, weight
    cdef int n
    for n in range(HEALTHS + 1):
        share[n] = 0
    for n in range(mix.count):
        share[<int>mix.health[n]] += mix.weight[n]
    share[HEALTHS] = 0  # doubts move no mean
    for n in range(mix.count):
        weight = mix.weight[n] * share[<int>mix.health[n]] ** 2
        total += weight
        sum += weight * mix.mean[n]
    return sum / total
