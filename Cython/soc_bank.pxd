# cython: language_level=3
"""The bank: hypotheses of charge x capacity, each with a small linear filter; a look at the voltage weighs them.

A point-mass (Rao-Blackwell) filter with a Gaussian at each point: within one the curve is straightened over the
Gaussian's width (`soc_cell.straight`), so no plateau can make the linearisation diverge. Model errors are states that
wander with the charge that passes, not white noise: a thousand looks at one place of the curve are worth one.
What a straightened curve leaves unexplained widens the gain's variance but not the likelihood's normaliser: otherwise
a hypothesis on the flat, where nothing bends, wins by Occam's razor alone.
"""
from libc.math cimport exp, isfinite, log, sqrt
from libc.string cimport memset
from soc_cell cimport on_knee, on_plateau, straight
from soc_kalman cimport at, carry_bias, correct, project, scale
from soc_types cimport (
    B, BANK, C, CHARGES, Cell, Curves, H, HEALTHS, Hypothesis, Health, O, Pack, PACKED, Q, S, STATES, Window, X,
)

cdef enum:
    DEAD = -1000000

cdef inline bint lives(const Hypothesis* one) noexcept nogil:
    return one.log_weight > -18.37


cdef inline void place(Pack* pack, const Cell* cell, Hypothesis* one, double charge, double sd, const Health* health) noexcept nogil:
    """A hypothesis as it is before any voltage: so much charge -+ sd in a pack of that health."""
    memset(one.mean, 0, sizeof(double) * STATES)
    memset(one.covariance, 0, sizeof(double) * PACKED)
    one.extra = 0
    one.mean[X] = charge
    one.mean[Q] = health.capacity
    one.mean[S] = pack.prior.scale
    one.mean[C] = pack.prior.level_v
    one.mean[B] = pack.prior.bias
    one.covariance[0] = sd ** 2
    one.covariance[2] = health.sd ** 2
    one.covariance[5] = cell.branch_sd ** 2
    one.covariance[9] = pack.prior.scale_sd ** 2
    one.covariance[14] = pack.prior.level_sd_v ** 2
    one.covariance[20] = 2 * cell.model_sd_v ** 2
    one.covariance[27] = pack.prior.bias_sd ** 2


cdef inline void spread(Pack* pack, const Cell* cell, double share) noexcept nogil:
    """Every charge from empty to full, evenly, in hypotheses that are dead: together they weigh `share` of all.

    The places are the same for every health: before the knee nothing tells healths apart, so nothing may seem to."""
    cdef double step = 1.0 / (CHARGES - 1)
    cdef double places
    cdef int j, k
    cdef Hypothesis* one
    for j in range(HEALTHS):
        places = pack.health[j].capacity / step + 1
        for k in range(CHARGES):
            one = &pack.bank[j * CHARGES + k]
            if not lives(one) and k < places:
                place(pack, cell, one, k * step, 0.65 * step, &pack.health[j])
                one.log_weight = log(share * pack.health[j].weight / places)
    settle(pack)


cdef inline void begin(Pack* pack, const Cell* cell, double soc, double sd) noexcept nogil:
    """Only charges about soc; sd not finite: all of them."""
    cdef double step = 5 * sd / (CHARGES - 1)
    cdef double here
    cdef int j, k
    cdef Hypothesis* one
    cdef Health* health
    for k in range(BANK):
        pack.bank[k].log_weight = DEAD
    if not isfinite(sd):
        spread(pack, cell, 1)
        return
    for j in range(HEALTHS):
        health = &pack.health[j]
        for k in range(CHARGES):
            one = &pack.bank[j * CHARGES + k]
            here = soc - 2.5 * sd + k * step
            place(pack, cell, one, here * health.capacity, 0.65 * step * health.capacity, health)
            one.covariance[0] += (here * health.sd) ** 2
            one.covariance[1] = here * health.sd ** 2
            one.log_weight = log(health.weight) - ((here - soc) / sd) ** 2 / 2
    settle(pack)


cdef inline void settle(Pack* pack) noexcept nogil:
    """The best has log weight 0; who is 1e-8 of it is dead and costs nothing more."""
    cdef double best = DEAD
    cdef int n
    pack.alive = 0
    for n in range(BANK):
        best = max(best, pack.bank[n].log_weight)
    for n in range(BANK):
        pack.bank[n].log_weight -= best
        if lives(&pack.bank[n]):
            pack.alive += 1
        else:
            pack.bank[n].log_weight = DEAD  # for good: what is not carried on must not come back as it was


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
    p[14] += 1e-8 * w.elapsed_s / 60
    p[20] += (model_v2 + one.extra) * (1 - keep_o * keep_o)
    p[27] += cell.bias_wander ** 2 * w.elapsed_s / 3600


cdef inline double clip(double value, double most) noexcept nogil:
    return most if value > most else -most if value < -most else value


cdef inline double outside(const Hypothesis* one) noexcept nogil:
    """How far it is from anything a pack can be."""
    cdef double x = one.mean[X]
    cdef double q = one.mean[Q]
    return max(-0.02 - x, 0) + max(x - q - 0.02, 0) + max(q - 1.06, 0) + max(0.6 - q, 0)


cdef inline double hold_branch(Hypothesis* one, const Cell* cell) noexcept nogil:
    """No branch lies beyond the two. What it claims beyond goes to the states it was mixed up with, so that the voltage
    it predicts stays (a mean that is cut alone would be surprised by every next look). Answers what that costs."""
    cdef double over = one.mean[H] - clip(one.mean[H], 1.05)
    cdef double share = over / max(one.covariance[5], 1e-6)
    cdef int i
    for i in range(STATES if over != 0 else 0):
        one.mean[i] -= share * one.covariance[at(i, H)]
    return cell.temper * share * over / 2


cdef inline double weigh(Hypothesis* one, const Cell* cell, const Curves* curves, const Window* w, double noise_v2,
                         double model_v2, double* evidence) noexcept nogil:
    """One look at the window's mean voltage; answers the innovation squared in its variance. evidence: log likelihood."""
    cdef double* m = one.mean
    cdef double* p = one.covariance
    cdef double eta = w.eta_v / w.count
    cdef double lag = w.lag / w.count
    cdef double warm = w.temperature_c / w.count - 25
    cdef double x = m[X] + w.charge_at / w.count - w.charge
    cdef double d = m[Q] - x - cell.knee_lag * lag
    cdef double reach_x = sqrt(3 * max(p[0], 2.5e-7))
    cdef double reach_d = sqrt(3 * max(p[0] + p[2] - 2 * p[1], 2.5e-7))
    cdef double h[4]
    cdef double ph[STATES]
    cdef double slope_x = 0, slope_d = 0, bent = 0, width, unused, predicted, seen, variance, innovation, squared, most
    cdef double low = on_plateau(curves, x + lag - reach_x, warm, m[H], &unused)
    cdef double high = on_plateau(curves, x + lag + reach_x, warm, m[H], &unused)
    predicted = straight(low, on_plateau(curves, x + lag, warm, m[H], &width), high, reach_x, &slope_x, &bent)
    low = on_knee(curves, d - reach_d)
    high = on_knee(curves, d + reach_d)
    predicted += straight(low, on_knee(curves, d), high, reach_d, &slope_d, &bent)
    predicted += m[S] * eta + m[C] + m[O]
    h[0] = slope_x - slope_d
    h[1] = slope_d
    h[2] = width
    h[3] = eta
    seen = project(p, h, ph) + noise_v2
    innovation = w.voltage_v / w.count - predicted
    seen = max(seen, noise_v2 / 2)
    variance = seen + bent
    squared = innovation * innovation / variance
    most = cell.huber
    if not isfinite(squared):
        evidence[0] = DEAD
        return 0
    if squared > most * most:
        evidence[0] = -cell.temper * ((2 * most * sqrt(squared) - most * most) + log(seen)) / 2
        variance *= sqrt(squared) / most
    else:
        evidence[0] = -cell.temper * (squared + log(seen)) / 2
    correct(m, p, ph, innovation, variance)
    one.extra = (cell.eta_sd * eta) ** 2 + (cell.knee_sd * slope_d) ** 2 + (cell.graphite_sd * slope_x) ** 2
    most = sqrt(model_v2 + one.extra)
    evidence[0] -= hold_branch(one, cell)
    m[S] = 1 + clip(m[S] - 1, 0.6)
    m[C] = clip(m[C], 4 * cell.level_sd_v)
    m[O] = clip(m[O], 3.5 * most)
    evidence[0] -= 100 * outside(one)
    return squared


cdef inline void hear_meter(Hypothesis* one, double difference, double variance) noexcept nogil:
    """The station's meter against the BMS's sensor: their difference is the bias."""
    cdef double ph[STATES]
    cdef int i
    for i in range(STATES):
        ph[i] = one.covariance[21 + i]
    correct(one.mean, one.covariance, ph, difference - one.mean[B], one.covariance[27] + variance)


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


cdef inline void judge(Pack* pack, const Cell* cell, const Curves* curves) noexcept nogil:
    """The window is over: every living hypothesis is carried on and, where a voltage was seen, weighed."""
    cdef Window* w = &pack.window
    cdef double mean_c = w.temperature_c / w.count if w.count else 25
    cdef double keep_o = exp(-w.travel / cell.model_length - w.elapsed_s / cell.model_s)
    cdef double model_v2 = (cell.model_sd_v * exp(max(25 - mean_c, 0) * cell.model_cold_k)) ** 2
    cdef double noise_v2 = cell.noise_v ** 2 + (cell.swing_share * pack.eta_swing_v) ** 2
    cdef double evidence[BANK]
    cdef double worst = 0, total = 0, best = DEAD
    cdef Hypothesis* one
    cdef int n
    for n in range(BANK):
        one = &pack.bank[n]
        if not lives(one):
            continue
        carry(one, cell, w, keep_o, model_v2)
        if w.count:
            total += exp(one.log_weight)
            worst += exp(one.log_weight) * weigh(one, cell, curves, w, noise_v2, model_v2, &evidence[n])
            best = max(best, evidence[n])
        if w.differences:
            hear_meter(one, w.difference / w.differences, cell.meter_noise ** 2)
    if w.count:
        for n in range(BANK):
            if lives(&pack.bank[n]):
                pack.bank[n].log_weight -= min(best - evidence[n], cell.most_evidence) if evidence[n] > DEAD else -DEAD
        pack.innovation += 0.1 * (worst / total - pack.innovation)
        settle(pack)
