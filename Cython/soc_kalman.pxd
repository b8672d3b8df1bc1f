# cython: language_level=3, cdivision=True
"""The linear arithmetic of one hypothesis: eight means and the lower triangle of their covariance.

Joseph's form is not needed: one scalar measurement at a time, P -= k (P h)', symmetric by construction.
Source: G. L. Plett, "Battery Management Systems II", 2016, ch. 3 (EKF), with the gain's zeros left out.
"""
from soc_types cimport B, C, G, H, Hypothesis, O, PACKED, Q, S, STATES, X


cdef inline int at(int i, int j) noexcept nogil:
    return i * (i + 1) // 2 + j if i >= j else j * (j + 1) // 2 + i


cdef inline void scale(double* p, int k, double by) noexcept nogil:
    """State k is multiplied by `by`."""
    cdef int i
    for i in range(k):
        p[at(k, i)] *= by
    p[at(k, k)] *= by * by
    for i in range(k + 1, STATES):
        p[at(i, k)] *= by


cdef inline void carry_bias(double* m, double* p, double hours) noexcept nogil:
    """The charge moves by minus the bias for so many hours: x -= b h."""
    cdef double* row = p + 28  # the bias is the last state: its row is p[28..35]
    m[X] -= hours * m[B]
    p[0] += hours * (hours * row[B] - 2 * row[X])
    p[1] -= hours * row[Q]
    p[3] -= hours * row[H]
    p[6] -= hours * row[S]
    p[10] -= hours * row[G]
    p[15] -= hours * row[C]
    p[21] -= hours * row[O]
    row[X] -= hours * row[B]


cdef inline double project(const double* p, const double* h, double* ph) noexcept nogil:
    """ph = P h for a measurement that does not see the bias; answers h P h."""
    cdef int i
    cdef double h0 = h[0], h1 = h[1], h2 = h[2], h3 = h[3], h4 = h[4]  # C and O are seen as they are
    ph[0] = p[0] * h0 + p[1] * h1 + p[3] * h2 + p[6] * h3 + p[10] * h4 + p[15] + p[21]
    ph[1] = p[1] * h0 + p[2] * h1 + p[4] * h2 + p[7] * h3 + p[11] * h4 + p[16] + p[22]
    ph[2] = p[3] * h0 + p[4] * h1 + p[5] * h2 + p[8] * h3 + p[12] * h4 + p[17] + p[23]
    ph[3] = p[6] * h0 + p[7] * h1 + p[8] * h2 + p[9] * h3 + p[13] * h4 + p[18] + p[24]
    ph[4] = p[10] * h0 + p[11] * h1 + p[12] * h2 + p[13] * h3 + p[14] * h4 + p[19] + p[25]
    ph[5] = p[15] * h0 + p[16] * h1 + p[17] * h2 + p[18] * h3 + p[19] * h4 + p[20] + p[26]
    ph[6] = p[21] * h0 + p[22] * h1 + p[23] * h2 + p[24] * h3 + p[25] * h4 + p[26] + p[27]
    ph[7] = p[28] * h0 + p[29] * h1 + p[30] * h2 + p[31] * h3 + p[32] * h4 + p[33] + p[34]
    return h0 * ph[0] + h1 * ph[1] + h2 * ph[2] + h3 * ph[3] + h4 * ph[4] + ph[5] + ph[6]


cdef inline void correct(double* m, double* p, const double* ph, double innovation, double variance) noexcept nogil:
    """m += ph innovation / variance; P -= ph ph' / variance."""
    cdef int i, j, k = 0
    cdef double gain, per_variance = 1 / variance
    for i in range(STATES):
        gain = ph[i] * per_variance
        m[i] += gain * innovation
        for j in range(i + 1):
            p[k] -= gain * ph[j]
            k += 1
