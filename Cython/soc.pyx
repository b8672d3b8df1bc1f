# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Charge, health and power of one pack, with honest intervals; and the same over all packs.

One `Pack` block of memory for each, no allocation in an update, total: no number makes it raise or say NaN. The rooms:
soc_types (the block), soc_input (frames), soc_cell (the model), soc_kalman, soc_bank (the hypotheses), soc_answer.
docs/soc.md explains the method and its limits.
"""
from libc.math cimport INFINITY, NAN, exp, isfinite, sqrt
from libc.string cimport memcpy, memset
from soc_answer cimport Mixture, below, gather, gather_state, mean, quantile, sd, sharpened
from soc_bank cimport begin, judge, merge, spread
from soc_cell cimport at_temperature, flow, on_knee, on_plateau, overpotential
from soc_cells cimport Delta, Middle, begin_cells, ends, hear_cells
from soc_input cimport begin_window, take
from soc_power cimport Present, energy, most
from soc_types cimport B, BANK, C, CHARGES, Cell, Curves, H, HEALTHS, Pack, POINTS, Q, S, TERMS, Terms, WARMTHS, X

cpdef enum:
    ANCHORED = 0
    PLATEAU = 1
    COASTING = 2
    DOUBTFUL = 3

cdef double STRIDE = 0.015
cdef double SETTLED_S = 600

KNOTS = POINTS
TEMPERATURES = WARMTHS


cdef class CellType:
    """A cell type as the kernel wants it. cell: `station_ctl.soc.cell_type.CellType.row()`; plateau: from empty
    V, V/K and half the hysteresis in V; knee: V from full; KNOTS of each, from `first`, `step` apart; terms: `soc_types.Terms`, WARMTHS of them,
    every 2 K from -40 degC. ValueError unless all is there and finite."""

    cdef Cell cell
    cdef Curves curves

    def __cinit__(self, row, const double[:, ::1] plateau, const double[::1] knee, const double[:, ::1] terms,
                  double first, double step):
        cdef int count = sizeof(Cell) // sizeof(double)
        cdef int i
        if len(row) != count:
            raise ValueError(f"a cell type needs {count} numbers, got {len(row)}")
        for i in range(count):
            (<double*>&self.cell)[i] = row[i]
            if not isfinite(<double>row[i]):
                raise ValueError(f"number {i} of the cell type is {row[i]}")
        if plateau.shape[0] != POINTS or plateau.shape[1] != 3 or knee.shape[0] != POINTS:
            raise ValueError(f"curves need {POINTS} knots of 3 and of 1")
        if terms.shape[0] != WARMTHS or terms.shape[1] != TERMS:
            raise ValueError(f"terms at {WARMTHS} temperatures are needed, {TERMS} of each")
        for i in range(WARMTHS * TERMS):
            (<double*>&self.curves.terms[i // TERMS])[i % TERMS] = terms[i // TERMS, i % TERMS]
            if not 0 <= terms[i // TERMS, i % TERMS] < 1e6:
                raise ValueError(f"term {i % TERMS} at {2 * (i // TERMS) - 40} degC is {terms[i // TERMS, i % TERMS]}")
        self.curves.first = first
        self.curves.per_step = 1 / step
        for i in range(3 * POINTS):
            self.curves.plateau[i] = plateau[i // 3, i % 3]
            self.curves.knee[i // 3] = knee[i // 3]
            if not isfinite(self.curves.plateau[i]) or not isfinite(self.curves.knee[i // 3]):
                raise ValueError(f"a curve is not finite at knot {i // 3}")


    def simulate(self, const double[:, ::1] frames, double branch, double scale, double[::1] voltage_v):
        """Voltage of a fresh cell for frames (dt_s, A, degC, soc): what the fit compares with a measurement."""
        cdef Pack pack
        cdef Terms terms
        cdef double rate, lag, unused, before = 0
        cdef Py_ssize_t i
        if frames.shape[1] != 4 or frames.shape[0] != voltage_v.shape[0]:
            raise ValueError("frames are of 4 columns, with a voltage for each")
        memset(&pack, 0, sizeof(Pack))
        with nogil:
            for i in range(frames.shape[0]):
                terms = at_temperature(&self.curves, frames[i, 2])
                rate = frames[i, 1] / self.cell.capacity_ah
                pack.window.keep = 1
                pack.window.push = 0
                flow(&pack, &self.cell, &terms, frames[i, 0], (rate + before) / 2)
                before = rate
                branch = pack.window.keep * branch + pack.window.push
                lag = pack.lag_slow + pack.lag_fast
                voltage_v[i] = (
                    on_plateau(&self.curves, frames[i, 3] + lag, frames[i, 2] - 25, branch, &unused)
                    + on_knee(&self.curves, 1 - frames[i, 3] - self.cell.knee_lag * lag)
                    + scale * overpotential(&pack, &terms, rate, frames[i, 2])
                )


cdef class Estimator:
    """One pack of a type. healths: four (weight, capacity in parts of fresh, sd) that the capacity is thought to be.

    kept: (mean, sd) of the BMS's current bias in C, of the overpotential's scale and of the voltage error in V, as
    `keep` gave them; None: nothing is known. cells: how many single cells are told, at most 512."""

    cdef CellType type
    cdef Pack pack
    cdef int cells
    cdef double samples
    cdef Delta deltas[512]

    def __cinit__(self, CellType type not None, healths, kept=None, int cells=0):
        cdef int j
        if not 0 <= cells <= 512:
            raise ValueError(f"{cells} cells")
        self.cells = cells
        begin_cells(self.deltas, cells)
        self.type = type
        memset(&self.pack, 0, sizeof(Pack))
        if len(healths) != HEALTHS:
            raise ValueError(f"a pack has {HEALTHS} healths, got {len(healths)}")
        for j in range(HEALTHS):
            weight, capacity, width = healths[j]
            if not (0 < weight <= 1 and 0.3 < capacity < 1.5 and 0 < width < 1):
                raise ValueError(f"health {j} is {healths[j]}")
            self.pack.health[j].weight = weight
            self.pack.health[j].capacity = capacity
            self.pack.health[j].sd = width
        self.pack.prior.scale = 1
        self.pack.prior.scale_sd = type.cell.scale_sd
        self.pack.prior.bias_sd = type.cell.bias_sd
        self.pack.prior.level_sd_v = type.cell.level_sd_v
        if kept is not None:
            self._recall(*kept)
        self.pack.last_temperature_c = 25
        self.pack.last_current_a = self.pack.last_voltage_v = NAN
        begin_window(&self.pack.window)
        begin(&self.pack, &type.cell, 0.5, INFINITY)

    cdef void _recall_one(self, double* mean, double* sd, pair) except *:
        if not (isfinite(<double>pair[0]) and 0 < pair[1] < 10):
            raise ValueError(f"kept {pair}")
        mean[0] = pair[0]
        sd[0] = pair[1]

    def _recall(self, bias, scale, level):
        self._recall_one(&self.pack.prior.bias, &self.pack.prior.bias_sd, bias)
        self._recall_one(&self.pack.prior.scale, &self.pack.prior.scale_sd, scale)
        self._recall_one(&self.pack.prior.level_v, &self.pack.prior.level_sd_v, level)

    def start(self, double soc, double soc_sd):
        """The charge is known to be soc -+ soc_sd; soc_sd infinite: anything from empty to full."""
        if not (0 <= soc <= 1.05 and soc_sd > 0):
            raise ValueError(f"a start of {soc} -+ {soc_sd}")
        begin(&self.pack, &self.type.cell, soc, soc_sd)

    cdef bint _step(self, double dt_s, double current_a, double voltage_v, double temperature_c, double meter_a) noexcept nogil:
        cdef Pack* pack = &self.pack
        cdef Cell* cell = &self.type.cell
        cdef bint was = pack.docked != 0
        dt_s = dt_s if 0 <= dt_s < 1e9 else 0
        take(pack, cell, &self.type.curves, dt_s, current_a, voltage_v, temperature_c, meter_a)
        if pack.docked and not was and pack.looks:
            spread(pack, cell, 0.02)
        if pack.window.elapsed_s < cell.window_s:
            return False
        pack.shown += pack.window.charge
        judge(pack, cell, &self.type.curves)
        if self.cells and self.samples:
            self._hear_cells()
        begin_window(&pack.window)
        pack.looks += 1
        self._look_after()
        return True

    cdef void _look_after(self) noexcept nogil:
        """Sure: one filter is enough. Failing: everything is thought possible again."""
        cdef Pack* pack = &self.pack
        cdef Mixture mix
        if pack.alive == 0:
            spread(pack, &self.type.cell, 1)
        elif pack.innovation > 9 and pack.looks - pack.woken > 60:
            pack.woken = pack.looks
            spread(pack, &self.type.cell, 0.1)
        elif pack.alive > 1 and <long>pack.looks % 12 == 0:
            gather(pack, &mix, 0)
            if sd(&mix) < 0.006:
                gather_state(pack, &mix, Q)
                if sd(&mix) < 0.01:
                    merge(pack)
        self._show()

    cdef void _show(self) noexcept nogil:
        """One look moves what is told by STRIDE at most once it has settled: a frame cannot make it jump."""
        cdef Mixture mix
        cdef double soc
        gather(&self.pack, &mix, 0)
        soc = sharpened(&mix)
        if self.pack.age_s > SETTLED_S:
            soc = min(max(soc, self.pack.shown - STRIDE), self.pack.shown + STRIDE)
        self.pack.shown = soc

    def step(self, double dt_s, double current_a, double voltage_v, double temperature_c, double meter_a=NAN):
        """One frame, dt_s after the one before: A (> 0 charges), V of the mean cell, degC, A of the station's meter.

        NaN: not measured. True when the window ended and the hypotheses were weighed."""
        return self._step(dt_s, current_a, voltage_v, temperature_c, meter_a)

    def hear_cells(self, const double[::1] cells_v):
        """The single cells of the frame just given, V; NaN: not told. ValueError for another count."""
        cdef double sum_v = 0, count = 0
        cdef int i
        if cells_v.shape[0] != self.cells:
            raise ValueError(f"{cells_v.shape[0]} cells, not {self.cells}")
        for i in range(self.cells):
            if self.type.cell.low_v < cells_v[i] < self.type.cell.high_v:
                sum_v += cells_v[i]
                count += 1
        if count < 2:
            return
        self.samples += 1
        for i in range(self.cells):
            if self.type.cell.low_v < cells_v[i] < self.type.cell.high_v:
                self.deltas[i].sum_v += cells_v[i] - sum_v / count
            else:
                self.deltas[i].sum_v += self.deltas[i].voltage_v

    cdef void _hear_cells(self) noexcept nogil:
        cdef Present now
        cdef Middle mid
        cdef double lag = self.pack.lag_slow + self.pack.lag_fast
        self._present(&now, 0.5)
        mid.surface = now.charge + lag
        mid.gap = now.capacity - now.charge - self.type.cell.knee_lag * lag
        mid.warm_k = now.temperature_c - 25
        mid.branch = now.branch
        mid.capacity = now.capacity
        mid.eta_v = self.pack.eta_mean_v
        hear_cells(self.deltas, self.cells, self.samples, &self.type.curves, &mid)
        self.samples = 0

    cdef void _present(self, Present* now, double chance) noexcept nogil:
        """The mean cell; its charge at that quantile."""
        cdef Mixture mix
        gather_state(&self.pack, &mix, Q)
        now.capacity = sharpened(&mix)
        gather_state(&self.pack, &mix, H)
        now.branch = mean(&mix)
        gather_state(&self.pack, &mix, S)
        now.scale = mean(&mix)
        gather_state(&self.pack, &mix, C)
        now.level_v = mean(&mix)
        gather(&self.pack, &mix, -self.pack.window.charge)
        now.charge = now.capacity * (sharpened(&mix) if chance == 0.5 else quantile(&mix, chance))
        now.temperature_c = self.pack.last_temperature_c

    def power(self, limits, seconds):
        """C-rates (discharge < 0, charge > 0) and cell volts that the weakest cell allows for each of `seconds`:
        [(discharge, its volts, charge, its volts), ..]. limits: (lowest V, highest V, discharge C > 0, charge C > 0).

        Discharge is asked at the charge's 5 % quantile, charging at its 95 %; resistance one sd up."""
        cdef Present low, high
        cdef double emptiest, fullest, down_v, up_v
        low_v, high_v, discharge_c, charge_c = limits
        ends(self.deltas, self.cells, &emptiest, &fullest, &down_v, &up_v)
        self._present(&low, 0.05)
        self._present(&high, 0.95)
        low.charge += emptiest
        high.charge += fullest
        low.level_v = min(low.level_v, 0) + down_v
        high.level_v = max(high.level_v, 0) + up_v
        answer = []
        for time_s in seconds:
            out = most(&self.pack, &self.type.cell, &self.type.curves, &low, low_v, -discharge_c, time_s)
            into = most(&self.pack, &self.type.cell, &self.type.curves, &high, high_v, charge_c, time_s)
            answer.append((out, low_v, into, high_v))
        return answer

    def energy(self, double rate):
        """Wh of one cell that a discharge at a C-rate gives down to the first empty cell: (expected, 5 %)."""
        cdef Present now
        cdef double emptiest, fullest, down_v, up_v
        ends(self.deltas, self.cells, &emptiest, &fullest, &down_v, &up_v)
        answer = []
        for chance in (0.5, 0.05):
            self._present(&now, chance)
            now.charge = max(now.charge + emptiest, 0)
            answer.append(energy(&self.type.cell, &self.type.curves, &now, rate) * self.type.cell.capacity_ah)
        return tuple(answer)

    def keep(self):
        """What the pack's record keeps: four healths, and ((bias, sd), (scale, sd), (level_v, sd))."""
        return self._healths(), tuple([self._state(state) for state in (B, S, C)])

    cdef tuple _state(self, int state):
        cdef Mixture mix
        gather_state(&self.pack, &mix, state)
        return mean(&mix), sd(&mix)

    cdef list _healths(self):
        """Each group's weight, mean and sd; a bank that merged into one keeps some doubt below itself."""
        cdef Mixture mix
        cdef double about, width
        cdef int j, n
        gather_state(&self.pack, &mix, Q)
        about, width = mean(&mix), sd(&mix)
        if width < 0.01:
            width = max(width, 0.006)
            return [(0.91, about, width), (0.05, about - 0.025, 0.015), (0.03, about - 0.06, 0.02), (0.01, about - 0.12, 0.03)]
        healths = []
        for j in range(HEALTHS):
            members = [n for n in range(mix.count) if mix.health[n] == j]
            total = sum([mix.weight[n] for n in members])
            if total < 0.01:
                healths.append((0.01, self.pack.health[j].capacity, self.pack.health[j].sd))
                continue
            centre = sum([mix.weight[n] * mix.mean[n] for n in members]) / total
            spread_2 = sum([mix.weight[n] * (mix.reach[n] ** 2 / 5 + (mix.mean[n] - centre) ** 2) for n in members]) / total
            healths.append((total, centre, sqrt(spread_2)))
        total = sum([health[0] for health in healths])
        return [(weight / total, centre, width) for weight, centre, width in healths]

    def dump(self):
        """All it remembers, as bytes for `load`."""
        return (<const char*>&self.pack)[:sizeof(Pack)]

    def load(self, bytes memory not None):
        """Remember what `dump` gave. Raises ValueError for another size."""
        if len(memory) != sizeof(Pack):
            raise ValueError(f"a memory is {sizeof(Pack)} bytes, got {len(memory)}")
        memcpy(&self.pack, <const char*>memory, sizeof(Pack))

    cdef int _reason(self, double width) noexcept nogil:
        if (self.pack.innovation > 9 or self.pack.looks - self.pack.woken < 60 and self.pack.woken > 0
                or self.pack.disagree_s > 10):
            return DOUBTFUL
        if self.pack.blind_s > 60:
            return COASTING
        return ANCHORED if width < 0.01 else PLATEAU

    cdef void _of_pack(self, double* out) noexcept nogil:
        """From the mean cell's charge to the pack's: empty with its first cell, full with its first cell."""
        cdef double emptiest, fullest, unused
        cdef int i
        ends(self.deltas, self.cells, &emptiest, &fullest, &unused, &unused)
        cdef double whole = 1 + emptiest - fullest
        for i in range(4):
            out[i] = (out[i] + emptiest) / whole
        out[1] -= 0.25 * (fullest - emptiest)
        out[3] += 0.25 * (fullest - emptiest)
        for i in range(5, 8):
            out[i] *= whole

    cdef void _answer(self, double* out) noexcept nogil:
        cdef Mixture mix
        gather(&self.pack, &mix, -self.pack.window.charge)
        out[0] = self.pack.shown + self.pack.window.charge if self.pack.looks else sharpened(&mix)
        out[1] = min(quantile(&mix, 0.05), out[0])
        out[2] = quantile(&mix, 0.5)
        out[3] = max(quantile(&mix, 0.95), out[0])
        out[4] = sd(&mix)
        out[10] = self._reason(out[4])
        gather_state(&self.pack, &mix, Q)
        out[5] = sharpened(&mix) * self.type.cell.capacity_ah
        out[6] = quantile(&mix, 0.05) * self.type.cell.capacity_ah
        out[7] = quantile(&mix, 0.95) * self.type.cell.capacity_ah
        if self.cells:
            self._of_pack(out)
        gather_state(&self.pack, &mix, B)
        out[8] = mean(&mix) * self.type.cell.capacity_ah
        out[9] = sd(&mix) * self.type.cell.capacity_ah

    def estimate(self):
        """(soc, its 5, 50, 95 %, sd, capacity_ah, its 5, 95 %, current bias_a, its sd, reason)"""
        cdef double out[11]
        self._answer(out)
        return tuple([out[i] for i in range(10)]) + (int(out[10]),)

    def chance(self, double soc):
        """Probability that the charge is at least soc."""
        cdef Mixture mix
        gather(&self.pack, &mix, -self.pack.window.charge)
        return 1 - below(&mix, soc)

    def arrival(self):
        """Charge when it was docked, seen from now: (soc, 5 %, 50 %, 95 %)"""
        cdef Mixture mix
        gather(&self.pack, &mix, self.pack.received - self.pack.window.charge)
        return sharpened(&mix), quantile(&mix, 0.05), quantile(&mix, 0.5), quantile(&mix, 0.95)

    def all(self):
        """For tests: each hypothesis' log weight, means and variances."""
        return [(self.pack.bank[n].log_weight, [self.pack.bank[n].mean[i] for i in range(7)],
                 [self.pack.bank[n].covariance[i * (i + 1) // 2 + i] for i in range(7)]) for n in range(BANK)]

    def run(self, const double[:, ::1] frames, double[:, ::1] answers, const long[::1] wanted):
        """`step` over frames (dt_s, A, V, degC, meter A); answers[k]: `estimate` after frame wanted[k] (rising)."""
        cdef Py_ssize_t i, k = 0
        if frames.shape[1] != 5 or answers.shape[1] != 11 or answers.shape[0] != wanted.shape[0]:
            raise ValueError("frames are of 5 columns, answers of 11, one for each that is wanted")
        with nogil:
            for i in range(frames.shape[0]):
                self._step(frames[i, 0], frames[i, 1], frames[i, 2], frames[i, 3], frames[i, 4])
                while k < wanted.shape[0] and wanted[k] == i:
                    self._answer(&answers[k, 0])
                    k += 1


def step_all(packs, const double[:, ::1] frames, double[:, ::1] answers):
    """One frame (as in `run`) for each pack; `estimate` into the answers of those whose window ended.

    ValueError for sizes."""
    cdef Py_ssize_t i
    cdef Estimator pack
    if frames.shape[0] != len(packs) or answers.shape[0] != len(packs) or frames.shape[1] != 5 or answers.shape[1] != 11:
        raise ValueError(f"{len(packs)} packs need as many frames of 5 and answers of 11")
    for i in range(len(packs)):
        pack = packs[i]
        with nogil:
            if pack._step(frames[i, 0], frames[i, 1], frames[i, 2], frames[i, 3], frames[i, 4]):
                pack._answer(&answers[i, 0])
