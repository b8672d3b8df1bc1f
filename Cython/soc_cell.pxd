# cython: language_level=3, cdivision=True
"""The cell: what its terminal shows for a charge, a branch, a lag of the particle's surface and a current.

V = plateau(x + lag) + knee(q - x - knee_lag lag) + M h + dOCV/dT (T - 25) + s [R0 i + (2RT/F) asinh(i / i0) + v1] + c + o

The plateau and the bottom are the graphite's, read at its surface; the top knee is the iron
phosphate's, measured from full: lost lithium leaves the first where it is from empty and moves the second with the
capacity. The hysteresis is the phosphate's too, but is read from empty: its place would otherwise speak for an age.
Sources: Doyle, Fuller, Newman 1993 (charge transfer: Butler-Volmer with alpha = 1/2 inverted); Plett 2004 (one-state
hysteresis); two first-order lags for the diffusion in the particle. docs/soc.md says how good it is.
"""
from libc.math cimport asinh, exp, fabs
from soc_types cimport Cell, Curves, Pace, Pack, POINTS, TERMS, Terms, WARMTHS, Window


cdef inline double place_on(const Curves* curves, double at, int* k) noexcept nogil:
    """Knot below and the part of the step beyond it; straight on beyond the ends."""
    cdef double u = (at - curves.first) * curves.per_step
    k[0] = POINTS - 2 if u >= POINTS - 1 else <int>u if u > 0 else 0
    return u - k[0]


cdef inline double on_plateau(const Curves* curves, double at, double warm_k, double branch, double* width) noexcept nogil:
    """V on the plateau; width: half of the hysteresis there."""
    cdef int k
    cdef double u = place_on(curves, at, &k)
    cdef const double* p = &curves.plateau[3 * k]
    width[0] = p[2] + u * (p[5] - p[2])
    return p[0] + u * (p[3] - p[0]) + warm_k * (p[1] + u * (p[4] - p[1])) + branch * width[0]


cdef inline double on_knee(const Curves* curves, double at) noexcept nogil:
    cdef int k
    cdef double u = place_on(curves, at, &k)
    return curves.knee[k] + u * (curves.knee[k + 1] - curves.knee[k])


cdef inline Terms at_temperature(const Curves* curves, double temperature_c) noexcept nogil:
    """Terms between the two temperatures next to it; the last ones beyond."""
    cdef double u = (temperature_c + 40) / 2
    cdef int k = WARMTHS - 2 if u >= WARMTHS - 1 else <int>u if u > 0 else 0
    cdef const double* low = <const double*>&curves.terms[k]
    cdef const double* high = <const double*>&curves.terms[k + 1]
    cdef Terms terms
    cdef int i
    u = min(max(u - k, 0), 1)
    for i in range(TERMS):
        (<double*>&terms)[i] = low[i] + u * (high[i] - low[i])
    return terms


cdef inline double relax(double state, double goal, double passed) noexcept nogil:
    """First order, exact for any step; `passed` in time constants."""
    return goal + (state - goal) * exp(-passed)


cdef inline double left(double state, double goal, double part) noexcept nogil:
    """The same, with the part of the way that is left."""
    return goal + (state - goal) * part


cdef inline void set_pace(Pack* pack, const Cell* cell, const Curves* curves, double dt_s, double temperature_c) noexcept nogil:
    """For the step that comes."""
    cdef Pace* pace = &pack.pace
    if dt_s == pace.dt_s and temperature_c == pace.temperature_c:
        return
    pace.dt_s = dt_s
    pace.hours = dt_s / 3600
    pace.temperature_c = temperature_c
    pace.terms = at_temperature(curves, temperature_c)
    pace.slow = exp(-dt_s / pace.terms.lag_s)
    pace.fast = exp(-dt_s / pace.terms.lag_s / cell.fast_s)
    pace.resistor = exp(-dt_s / pace.terms.slow_s)
    pace.branch = exp(-dt_s / cell.branch_s)
    pace.travel = exp(-dt_s / 300)
    pace.eta = exp(-max(dt_s, 0.1) / 120)


cdef inline void flow(Pack* pack, const Cell* cell, double rate) noexcept nogil:
    """One step (`set_pace`) of a constant C-rate: the lags, the branch and the sums of the window."""
    cdef Window* w = &pack.window
    cdef const Pace* pace = &pack.pace
    cdef double hours = pace.hours
    cdef double gain = pace.terms.lag_gain * rate
    cdef double turned, keep
    pack.lag_slow = left(pack.lag_slow, gain, pace.slow)
    pack.lag_fast = left(pack.lag_fast, gain * cell.fast_gain, pace.fast)
    pack.slow_v = left(pack.slow_v, pace.terms.slow_v * rate, pace.resistor)
    pack.branch_rate = left(pack.branch_rate, rate, pace.branch)
    pack.travel_rate = left(pack.travel_rate, rate, pace.travel)
    w.charge += rate * hours
    w.through += fabs(rate * hours)
    w.travel += fabs(pack.travel_rate) * hours
    turned = cell.branch_gain * pack.branch_rate * hours
    keep = exp(-fabs(turned))
    w.keep *= keep
    w.push = keep * w.push + (1 - keep if turned > 0 else keep - 1)
    w.elapsed_s += pace.dt_s


cdef inline double overpotential(const Pack* pack, double rate) noexcept nogil:
    """At a C-rate after that step."""
    cdef const Terms* terms = &pack.pace.terms
    cdef double thermal_v = 2 * 8.314462618 / 96485.33212 * (pack.pace.temperature_c + 273.15)  # 2 R T / F
    return terms.ohm_v * rate + thermal_v * asinh(rate / terms.exchange) + pack.slow_v


cdef inline double straight(double low, double mid, double high, double reach, double* slope, double* bent) noexcept nogil:
    """A curve seen through a Gaussian, by three points (mid, mid -+ reach = sqrt(3) sd): mean; slope by regression;
    what the slope leaves unexplained, as a variance is added to `bent`: of (1, 4, 1)/6 at these points it is bend^2 / 18."""
    cdef double bend = low + high - 2 * mid
    slope[0] = (high - low) / (2 * reach)
    bent[0] += bend * bend * (1 / 18.0)
    return mid + bend * (1 / 6.0)


cdef inline double fresh_v(Pack* pack, const Cell* cell, const Curves* curves, double dt_s, double before, double rate,
                           double temperature_c, double soc, double* branch, double scale) noexcept nogil:
    """Voltage of a fresh cell after dt_s from one C-rate to the next, at a charge that is known; branch is carried on."""
    cdef double lag, unused
    pack.window.keep = 1
    pack.window.push = 0
    set_pace(pack, cell, curves, dt_s, temperature_c)
    flow(pack, cell, (rate + before) / 2)
    branch[0] = pack.window.keep * branch[0] + pack.window.push
    lag = pack.lag_slow + pack.lag_fast
    return (
        on_plateau(curves, soc + lag, temperature_c - 25, branch[0], &unused)
        + on_knee(curves, 1 - soc - cell.knee_lag * lag)
        + scale * overpotential(pack, rate)
    )
