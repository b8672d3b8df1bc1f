# cython: language_level=3, cdivision=True
"""What the pack can give and take: power for so many seconds, and energy down to empty.

The model is run ahead under a constant current and the current is halved in until the weakest cell just stays within
its voltage and the type's current. Source: Plett 2004, part 3 (bisection on the model's prediction).
"""
from libc.math cimport asinh, exp, fabs
from soc_cell cimport at_temperature, on_knee, on_plateau, relax
from soc_types cimport Cell, Curves, Pack, Terms

cdef struct Present:  # the mean cell as it is now
    double charge
    double capacity
    double graphite
    double branch
    double scale
    double level_v
    double temperature_c


cdef inline double ahead(const Pack* pack, const Cell* cell, const Curves* curves, const Terms* terms, const Present* now,
                         double rate, double seconds) noexcept nogil:
    """Voltage of the mean cell after so many seconds at a C-rate."""
    cdef double gain = terms.lag_gain * rate
    cdef double lag = relax(pack.lag_slow, gain, seconds / terms.lag_s)
    cdef double eta_v = relax(pack.slow_v, terms.slow_v * rate, seconds / terms.slow_s)
    cdef double charge = now.charge + rate * seconds / 3600
    cdef double keep = exp(-cell.branch_gain * fabs(rate) * seconds / 3600)
    cdef double branch = keep * now.branch + (1 - keep) * (1 if rate > 0 else -1)
    cdef double unused
    lag += relax(pack.lag_fast, gain * cell.fast_gain, seconds / (terms.lag_s * cell.fast_s))
    eta_v += terms.ohm_v * rate
    eta_v += 2 * 8.314462618 / 96485.33212 * (now.temperature_c + 273.15) * asinh(rate / terms.exchange)
    return (
        on_plateau(curves, (charge + lag) / now.graphite, now.temperature_c - 25, branch, &unused)
        + on_knee(curves, now.capacity - charge - cell.knee_lag * lag)
        + now.scale * eta_v
        + now.level_v
    )


cdef inline double most(const Pack* pack, const Cell* cell, const Curves* curves, const Present* now, double limit_v,
                        double limit_rate, double seconds) noexcept nogil:
    """The greatest C-rate (its sign is limit_rate's) that keeps the mean cell within limit_v for so many seconds."""
    cdef Terms terms = at_temperature(curves, now.temperature_c)
    cdef double sign = 1 if limit_rate > 0 else -1
    cdef double low = 0, high = limit_rate, mid
    cdef int i
    if sign * (ahead(pack, cell, curves, &terms, now, high, seconds) - limit_v) <= 0:
        return high
    for i in range(24):
        mid = (low + high) / 2
        if sign * (ahead(pack, cell, curves, &terms, now, mid, seconds) - limit_v) <= 0:
            low = mid
        else:
            high = mid
    return low


cdef inline double energy(const Cell* cell, const Curves* curves, const Present* now, double rate) noexcept nogil:
    """V times the fresh capacity that a steady discharge at a C-rate (> 0) gives down to empty."""
    cdef Terms terms = at_temperature(curves, now.temperature_c)
    cdef double eta_v = terms.ohm_v * rate + terms.slow_v * rate + (
        2 * 8.314462618 / 96485.33212 * (now.temperature_c + 273.15) * asinh(rate / terms.exchange)
    )
    cdef double lag = -terms.lag_gain * (1 + cell.fast_gain) * rate
    cdef double sum_v = 0, step = now.charge / 40, at, unused
    cdef int i
    for i in range(40):
        at = (i + 0.5) * step
        sum_v += on_plateau(curves, (at + lag) / now.graphite, now.temperature_c - 25, -1, &unused) - now.scale * eta_v
        sum_v += on_knee(curves, now.capacity - at - cell.knee_lag * lag)
    return max(sum_v * step, 0)
