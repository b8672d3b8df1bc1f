# cython: language_level=3, cdivision=True
"""A look at the voltage: what every hypothesis expected of the window that is over, and how likely that makes it.

Within a hypothesis the curve is straightened over the Gaussian's width (`soc_cell.straight`), so no plateau can make the
linearisation diverge. Model errors are states that wander with the charge that passes, not white noise: a thousand looks
at one place of the curve are worth one. What a straightened curve leaves unexplained widens the gain's variance but not
the likelihood's normaliser: otherwise a hypothesis on the flat, where nothing bends, wins by Occam's razor alone. For
the same reason the normaliser counts little again at the same place of the curve: where the curve bends a hypothesis learns slowly, and
at rest each look would hold its vagueness against it again.
"""
from libc.math cimport exp, fabs, isfinite, log, sqrt
from soc_bank cimport DEAD, lives, settle
from soc_cell cimport on_knee, on_plateau, straight
from soc_kalman cimport at, carry_bias, correct, project, scale
from soc_types cimport B, BANK, C, Cell, Curves, G, H, Hypothesis, O, Pack, Q, S, STATES, Terms, Window, X


cdef struct Look:  # what is the same for every hypothesis: means of the window, variances
    double voltage_v
    double eta_v
    double lag
    double ago  # charge that passed since the middle of the window
    double warm_k
    double past  # lag that may be left of a current before the first frame: as large as the mean one since, or so
    double unseen  # sd of such a lag when the first frame came, by now; an error of the voltage that dies away with it
    double fresh  # how much of its normaliser counts: little at the place of the curve that was looked at before
    double noise_v2
    double model_v2
    double anew  # hypotheses have begun since the last one


cdef inline void carry(Hypothesis* one, const Cell* cell, const Window* w, double keep_o, double model_v2) noexcept nogil:
    """Over the window: charge counted, errors wander."""
    cdef double* p = one.covariance
    one.mean[X] += w.charge
    if w.bms_h != 0:
        carry_bias(one.mean, p, w.bms_h)
    one.mean[H] = w.keep * one.mean[H] + w.push
    scale(p, H, w.keep)
    one.mean[O] *= keep_o
    scale(p, O, keep_o)
    p[0] += cell.charge_wander ** 2 * w.travel + w.spread
    p[5] += 0.05 * w.through + 1e-6
    p[9] += cell.scale_wander ** 2 * w.travel
    p[20] += 1e-8 * w.elapsed_s / 60
    p[27] += (model_v2 + one.extra) * (1 - keep_o * keep_o)
    p[35] += cell.bias_wander ** 2 * w.elapsed_s / 3600


cdef inline double clip(double value, double most) noexcept nogil:
    return most if value > most else -most if value < -most else value


cdef inline double outside(const Hypothesis* one, bint blind) noexcept nogil:
    """How far it is from anything a pack can be. blind: no voltage holds its charge, which may err by its sd."""
    cdef double x = one.mean[X]
    cdef double q = one.mean[Q]
    cdef double g = one.mean[G]
    cdef double most = 0.02 + (sqrt(max(one.covariance[0], 0)) if blind else 0)
    return max(-most - x, 0) + max(x - q - most, 0) + max(q - 1.06, 0) + max(0.6 - q, 0) + max(g - 1.02, 0) + max(0.6 - g, 0)


cdef inline double hold_branch(Hypothesis* one, const Cell* cell) noexcept nogil:
    """No branch lies beyond the two. What it claims beyond goes to the states it was mixed up with, so that the voltage
    it predicts stays (a mean that is cut alone would be surprised by every next look). Answers what that costs."""
    cdef double over = one.mean[H] - clip(one.mean[H], 1.05)
    cdef double share = over / max(one.covariance[5], 1e-6)
    cdef int i
    for i in range(STATES if over != 0 else 0):
        one.mean[i] -= share * one.covariance[at(i, H)]
    return cell.temper * share * over / 2


cdef struct Sight:  # what a hypothesis expects to see in a window's mean
    double voltage_v
    double to_states[5]  # slopes of the voltage to X, Q, H, S and G; to C and O it is 1
    double on_plateau  # slope there, to the charge in fresh graphite
    double on_knee  # slope there
    double bent  # variance that the slopes leave unexplained


cdef inline void expect(const Hypothesis* one, const Cell* cell, const Curves* curves, const Look* look, Sight* sight) noexcept nogil:
    """The mean voltage of the window, straightened over the hypothesis' own width."""
    cdef const double* m = &one.mean[0]
    cdef const double* p = &one.covariance[0]
    cdef double lag = look.lag
    cdef double warm = look.warm_k
    cdef double x = m[X] - look.ago
    cdef double per_graphite = 1 / m[G]
    cdef double u = (x + lag) * per_graphite
    cdef double d = m[Q] - x - cell.knee_lag * lag
    cdef double reach_u = sqrt(3 * max(p[0] - 2 * u * p[10] + u * u * p[14], 2.5e-7)) * fabs(per_graphite)
    # through a wide Gaussian an exponential knee seems to be half there already: it is seen through a narrow one
    cdef double reach_d = min(sqrt(3 * max(p[0] + p[2] - 2 * p[1], 2.5e-7)), 0.02)
    cdef double width, unused
    cdef double low = on_plateau(curves, u - reach_u, warm, m[H], &unused)
    cdef double high = on_plateau(curves, u + reach_u, warm, m[H], &unused)
    sight.bent = 0
    sight.voltage_v = straight(low, on_plateau(curves, u, warm, m[H], &width), high, reach_u,
                               &sight.on_plateau, &sight.bent)
    low = on_knee(curves, d - reach_d)
    high = on_knee(curves, d + reach_d)
    sight.voltage_v += straight(low, on_knee(curves, d), high, reach_d, &sight.on_knee, &sight.bent)
    sight.to_states[0] = sight.on_plateau * per_graphite - sight.on_knee
    sight.to_states[1] = sight.on_knee
    sight.to_states[2] = width
    sight.to_states[3] = look.eta_v
    sight.to_states[4] = -u * sight.on_plateau * per_graphite
    sight.voltage_v += m[S] * sight.to_states[3] + m[C] + m[O]


cdef inline double hold(Hypothesis* one, const Cell* cell, const Sight* sight, const Look* look) noexcept nogil:
    """No state beyond what it can be; answers what the pretence costs in log weight."""
    cdef double* m = one.mean
    cdef double cost
    one.extra = (
        (cell.eta_sd * sight.to_states[3]) ** 2 + (cell.knee_sd * sight.on_knee) ** 2
        + (cell.graphite_sd * sight.on_plateau) ** 2
    )
    cost = hold_branch(one, cell)
    m[S] = min(max(m[S], 0.4), 2.5)
    m[C] = clip(m[C], 4 * cell.level_sd_v)
    m[O] = clip(m[O], 3.5 * sqrt(look.model_v2 + one.extra + (look.unseen * sight.on_plateau) ** 2))
    return cost + 100 * outside(one, False)


cdef inline double weigh(Hypothesis* one, const Cell* cell, const Curves* curves, const Look* look,
                         double* evidence) noexcept nogil:
    """One look at the window's mean voltage; answers the innovation squared in its variance. evidence: log likelihood."""
    cdef Sight sight
    cdef double ph[STATES]
    cdef double seen, variance, innovation, squared
    cdef double most = cell.huber
    expect(one, cell, curves, look, &sight)
    one.covariance[27] += look.anew * (look.unseen * sight.on_plateau) ** 2
    seen = project(one.covariance, sight.to_states, ph) + look.noise_v2
    innovation = look.voltage_v - sight.voltage_v
    seen = max(seen, look.noise_v2 / 2)
    variance = seen + sight.bent + (look.past * sight.on_plateau) ** 2
    squared = innovation * innovation / variance
    if not isfinite(squared):
        evidence[0] = DEAD
        return 0
    if squared > most * most:
        evidence[0] = -cell.temper * ((2 * most * sqrt(squared) - most * most) + look.fresh * log(seen)) / 2
        variance *= sqrt(squared) / most
    else:
        evidence[0] = -cell.temper * (squared + look.fresh * log(seen)) / 2
    correct(one.mean, one.covariance, ph, innovation, variance)
    evidence[0] -= hold(one, cell, &sight, look)
    return squared


cdef inline void hear_meter(Hypothesis* one, double difference, double variance) noexcept nogil:
    """The station's meter against the BMS's sensor: their difference is the bias."""
    cdef double ph[STATES]
    cdef int i
    for i in range(STATES):
        ph[i] = one.covariance[28 + i]
    correct(one.mean, one.covariance, ph, difference - one.mean[B], one.covariance[35] + variance)


cdef inline Look look_of(const Pack* pack, const Cell* cell) noexcept nogil:
    cdef const Window* w = &pack.window
    cdef const Terms* terms = &pack.pace.terms
    cdef Look look
    cdef double per_count = 1 / max(w.count, 1)
    look.voltage_v = w.voltage_v * per_count
    look.eta_v = w.eta_v * per_count
    look.lag = w.lag * per_count
    look.ago = w.charge - w.charge_at * per_count
    look.warm_k = (w.temperature_c * per_count if w.count else pack.last_temperature_c) - 25
    look.past = cell.past_share * fabs(pack.travel_rate) / (1 - exp(-max(pack.age_s, 1) / 300))
    look.past *= terms.lag_gain * (1 + cell.fast_gain) * exp(-pack.age_s / terms.lag_s)
    look.unseen = cell.past_c * terms.lag_gain * exp(-pack.age_s / terms.lag_s)
    look.anew = pack.anew
    look.fresh = 1 if pack.anew else max(1 - exp(-w.through / cell.fresh_charge), cell.rest_share)
    look.noise_v2 = cell.noise_v ** 2 + (cell.swing_share * pack.eta_swing_v) ** 2
    look.model_v2 = (cell.model_sd_v * exp(max(-look.warm_k, 0) * cell.model_cold_k)) ** 2
    return look


cdef inline void judge(Pack* pack, const Cell* cell, const Curves* curves) noexcept nogil:
    """The window is over: every living hypothesis is carried on and weighed; blind, by what no pack can be alone."""
    cdef Window* w = &pack.window
    cdef double keep_o = exp(-w.travel / cell.model_length - w.elapsed_s / cell.model_s)
    cdef Look look = look_of(pack, cell)
    cdef double evidence[BANK]
    cdef double worst = 0, total = 0, best = DEAD, weight
    cdef Hypothesis* one
    cdef int n
    if pack.age_s - w.elapsed_s < 2 * pack.pace.terms.lag_s:  # what nobody saw arise dies away as lag does
        keep_o *= exp(-w.elapsed_s / pack.pace.terms.lag_s)
    for n in range(BANK):
        one = &pack.bank[n]
        if not lives(one):
            continue
        carry(one, cell, w, keep_o, look.model_v2)
        if w.count:
            weight = exp(one.log_weight)
            total += weight
            worst += weight * weigh(one, cell, curves, &look, &evidence[n])
        else:
            evidence[n] = -100 * outside(one, True)
        best = max(best, evidence[n])
        if w.differences:
            hear_meter(one, w.difference / w.differences, cell.meter_noise ** 2)
    for n in range(BANK):
        if lives(&pack.bank[n]):
            pack.bank[n].log_weight -= min(best - evidence[n], cell.most_evidence) if evidence[n] > DEAD else -DEAD
    if w.count:
        pack.innovation += 0.1 * (worst / total - pack.innovation)
        pack.anew = 0
    settle(pack)
