# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Charge, health and power of one pack, with honest intervals; and the same over all packs.

One `Pack` block of memory for each, no allocation in an update, total: no frame makes it raise or say NaN. This is what
Python sees; the rooms behind it are headers in C: soc_types (the block of memory), soc_input (frames), soc_cell (the
model), soc_kalman, soc_bank (the hypotheses), soc_look (weighing them), soc_follow (frame by frame), soc_cells (single
cells), soc_checks, soc_answer and soc_told (what is said), soc_power, soc_kept. docs/soc.md explains the method and its limits.
"""
from libc.math cimport INFINITY, NAN, isfinite
from libc.string cimport memcpy, memset
from soc_answer cimport Mixture, below, gather_state, mean, quantile, sd, sharpened
from soc_bank cimport begin
from soc_cell cimport fresh_v
from soc_cells cimport Cells, MOST_CELLS, begin_cells, sample_cells
from soc_checks cimport wrong_in_cell, wrong_in_curves, wrong_in_memory, wrong_in_terms
from soc_follow cimport follow, show
from soc_input cimport begin_window
from soc_kept cimport health_of, healths_of
from soc_power cimport Present, energy, most
from soc_told cimport ANCHORED as IS_ANCHORED, ANSWERS, COASTING as IS_COASTING, DOUBTFUL as IS_DOUBTFUL
from soc_told cimport PLATEAU as IS_PLATEAU, REASON, first_empty, gather_told, tell, weakest
from soc_types cimport B, BANK, C, Cell, Curves, Health, HEALTHS, Pack, POINTS, S, STATES, TERMS, WARMTHS

ANCHORED, PLATEAU, COASTING, DOUBTFUL = IS_ANCHORED, IS_PLATEAU, IS_COASTING, IS_DOUBTFUL
KNOTS = POINTS
TEMPERATURES = WARMTHS


cdef class CellType:
    """A cell type as the kernel wants it. cell: `station_ctl.soc.cell_type.CellType.row()`; plateau: from empty V, V/K
    and half the hysteresis in V; knee: V from full; KNOTS of each, from `first`, `step` apart; terms:
    `soc_types.Terms`, WARMTHS of them, every 2 K from -40 degC. ValueError unless all is there and can be."""

    cdef Cell cell
    cdef Curves curves

    def __cinit__(self, row, const double[:, ::1] plateau, const double[::1] knee, const double[:, ::1] terms,
                  double first, double step):
        cdef int i
        if len(row) != sizeof(Cell) // sizeof(double):
            raise ValueError(f"a cell type needs {sizeof(Cell) // sizeof(double)} numbers, got {len(row)}")
        if plateau.shape[0] != POINTS or plateau.shape[1] != 3 or knee.shape[0] != POINTS:
            raise ValueError(f"curves need {POINTS} knots of 3 and of 1")
        if terms.shape[0] != WARMTHS or terms.shape[1] != TERMS:
            raise ValueError(f"terms at {WARMTHS} temperatures are needed, {TERMS} of each")
        for i in range(<int>len(row)):
            (<double*>&self.cell)[i] = row[i]
        memcpy(&self.curves.terms, &terms[0, 0], sizeof(self.curves.terms))
        memcpy(&self.curves.plateau, &plateau[0, 0], sizeof(self.curves.plateau))
        memcpy(&self.curves.knee, &knee[0], sizeof(self.curves.knee))
        self.curves.first = first
        self.curves.per_step = 1 / step
        for what, wrong in (("cell type", wrong_in_cell(&self.cell)), ("curves", wrong_in_curves(&self.curves)),
                            ("terms", wrong_in_terms(&self.curves))):
            if wrong >= 0:
                raise ValueError(f"number {wrong} of the {what} cannot be")

    def predict(self, const double[:, ::1] frames, double branch, double scale, double[::1] voltage_v):
        """Voltage of a fresh cell for frames (dt_s, A, degC, soc): what the fit compares with a measurement."""
        cdef Pack pack
        cdef double rate, before = 0
        cdef Py_ssize_t i
        if frames.shape[1] != 4 or frames.shape[0] != voltage_v.shape[0]:
            raise ValueError("frames are of 4 columns, with a voltage for each")
        memset(&pack, 0, sizeof(Pack))
        pack.pace.dt_s = -1
        with nogil:
            for i in range(frames.shape[0]):
                rate = frames[i, 1] / self.cell.capacity_ah
                voltage_v[i] = fresh_v(&pack, &self.cell, &self.curves, frames[i, 0], before, rate, frames[i, 2],
                                       frames[i, 3], &branch, scale)
                before = rate


cdef class Estimator:
    """One pack of a type. healths: six (weight, capacity in parts of fresh, its sd, graphite left, its sd) that it may be.

    kept: (mean, sd) of the BMS's current bias in C, of the overpotential's scale and of the voltage error in V, as
    `keep` gave them; None: nothing is known. cells: how many single cells are told, at most 512."""

    cdef CellType type
    cdef Pack pack
    cdef Cells cells

    def __cinit__(self, CellType type not None, healths, kept=None, int cells=0):
        if not 0 <= cells <= MOST_CELLS:
            raise ValueError(f"{cells} cells")
        self.type = type
        begin_cells(&self.cells, cells)
        memset(&self.pack, 0, sizeof(Pack))
        self._think(healths)
        self.pack.prior.scale = 1
        self.pack.prior.scale_sd = type.cell.scale_sd
        self.pack.prior.scale_aged = type.cell.scale_aged if kept is None else 0
        self.pack.prior.bias_sd = type.cell.bias_sd
        self.pack.prior.level_sd_v = type.cell.level_sd_v
        if kept is not None:
            self._recall(*kept)
        self.pack.last_temperature_c = 25
        self.pack.last_current_a = self.pack.last_voltage_v = NAN
        self.pack.pace.dt_s = -1  # no step yet
        begin_window(&self.pack.window)
        begin(&self.pack, &type.cell, 0.5, INFINITY, 1)

    def _think(self, healths):
        if len(healths) != HEALTHS:
            raise ValueError(f"a pack has {HEALTHS} healths, got {len(healths)}")
        for j in range(HEALTHS):
            weight, capacity, width, graphite, graphite_sd = healths[j]
            if not (0 < weight <= 1 and 0.3 < capacity < 1.5 and 0 < width < 1):
                raise ValueError(f"health {j} is {healths[j]}")
            if not (0.3 < graphite < 1.5 and 0 < graphite_sd < 1):
                raise ValueError(f"health {j} is {healths[j]}")
            self.pack.health[<int>j] = health_of(weight, capacity, width, graphite, graphite_sd)

    def _recall(self, bias, scale, level):
        recall(&self.pack.prior.bias, &self.pack.prior.bias_sd, bias)
        recall(&self.pack.prior.scale, &self.pack.prior.scale_sd, scale)
        recall(&self.pack.prior.level_v, &self.pack.prior.level_sd_v, level)

    def start(self, double soc, double soc_sd, double doubt=0.005):
        """The charge is known to be soc -+ soc_sd; soc_sd of 1 and more: anything from empty to full.

        doubt: how likely that is wrong, and the charge any other."""
        if not (0 <= soc <= 1.05 and soc_sd > 0 and 0 < doubt < 1):
            raise ValueError(f"a start of {soc} -+ {soc_sd}, doubt {doubt}")
        begin(&self.pack, &self.type.cell, soc, soc_sd, doubt)
        begin_window(&self.pack.window)
        show(&self.pack)

    cdef bint _step(self, double dt_s, double current_a, double voltage_v, double temperature_c, double meter_a) noexcept nogil:
        return follow(&self.pack, &self.cells, &self.type.cell, &self.type.curves, dt_s, current_a, voltage_v, temperature_c,
                      meter_a)

    def step(self, double dt_s, double current_a, double voltage_v, double temperature_c, double meter_a=NAN):
        """One frame, dt_s after the one before: A (> 0 charges), V of the mean cell, degC, A of the station's meter.

        NaN: not measured. True when the window ended and the hypotheses were weighed."""
        return self._step(dt_s, current_a, voltage_v, temperature_c, meter_a)

    def blind(self):
        """The last frame's voltage was not believed, or there was none."""
        return self.pack.blind_s > 0

    def hear_cells(self, const double[::1] cells_v):
        """The single cells of the frame just given, V; NaN: not told. ValueError for another count.

        They are no better than their pack's voltage: where that is not believed, nor are they."""
        if cells_v.shape[0] != self.cells.count:
            raise ValueError(f"{cells_v.shape[0]} cells, not {self.cells.count}")
        if self.cells.count and self.pack.blind_s == 0:
            sample_cells(&self.cells, &self.type.cell, &cells_v[0])

    def power(self, limits, seconds):
        """C-rates (discharge < 0, charge > 0) and cell volts that the weakest cell allows for each of `seconds`:
        [(discharge, its volts, charge, its volts), ..]. limits: (lowest V, highest V, discharge C > 0, charge C > 0).

        Discharge is asked at the charge's 5 % quantile, charging at its 95 %. ValueError for limits that are none."""
        cdef Present low, high
        low_v, high_v, discharge_c, charge_c = limits
        if not (0 < low_v < high_v < 10 and 0 < discharge_c < 1e3 and 0 < charge_c < 1e3):
            raise ValueError(f"limits {limits}")
        weakest(&self.pack, &self.cells, &low, &high)
        answer = []
        for time_s in seconds:
            if not 0 < time_s < 1e6:
                raise ValueError(f"{time_s} s")
            out = most(&self.pack, &self.type.cell, &self.type.curves, &low, low_v, -discharge_c, time_s)
            into = most(&self.pack, &self.type.cell, &self.type.curves, &high, high_v, charge_c, time_s)
            answer.append((out, low_v, into, high_v))
        return answer

    def energy(self, double rate):
        """Wh of one cell that a discharge at a C-rate gives down to the first empty cell: (expected, 5 %).

        ValueError for a rate that is none."""
        cdef Present now
        if not 0 <= rate < 1e3:
            raise ValueError(f"a discharge at {rate} C")
        answer = []
        for chance in (0.5, 0.05):
            first_empty(&self.pack, &self.cells, &now, chance)
            answer.append(energy(&self.type.cell, &self.type.curves, &now, rate) * self.type.cell.capacity_ah)
        return tuple(answer)

    def keep(self):
        """What the pack's record keeps: six healths, and ((bias, sd), (scale, sd), (level_v, sd))."""
        cdef Health healths[HEALTHS]
        cdef Mixture mix
        kept = []
        for state in (B, S, C):
            gather_state(&self.pack, &mix, state)
            kept.append((mean(&mix), sd(&mix)))
        healths_of(&self.pack, healths)
        return [(one.weight, one.capacity, one.sd, one.graphite, one.graphite_sd) for one in healths], tuple(kept)

    def dump(self):
        """All it remembers, as bytes for `load`."""
        return (<const char*>&self.pack)[:sizeof(Pack)]

    def load(self, bytes memory not None):
        """Remember what `dump` gave. Raises ValueError for another size and for numbers that are none.

        The caller's checksum has to have found it sound: nothing else tells one memory from another."""
        cdef Pack pack
        if len(memory) != sizeof(Pack):
            raise ValueError(f"a memory is {sizeof(Pack)} bytes, got {len(memory)}")
        memcpy(&pack, <const char*>memory, sizeof(Pack))
        if wrong_in_memory(&pack) >= 0:
            raise ValueError(f"number {wrong_in_memory(&pack)} of the memory is none")
        self.pack = pack
        self.pack.pace.dt_s = -1  # the type may have been measured anew

    def estimate(self):
        """(soc, its 5, 50, 95 %, sd, capacity_ah, its 5, 95 %, current bias_a, its sd, reason)"""
        cdef double out[ANSWERS]
        tell(&self.pack, &self.cells, &self.type.cell, out)
        return tuple([out[i] for i in range(REASON)]) + (int(out[REASON]),)

    def chance(self, double soc):
        """Probability that the charge is at least soc; 0 for NaN."""
        cdef Mixture mix
        gather_told(&self.pack, &mix, -self.pack.window.charge)
        return 1 - below(&mix, soc) if soc == soc else 0.0

    def arrival(self):
        """Charge when it was docked, seen from now: (soc, 5 %, 50 %, 95 %)"""
        cdef Mixture mix
        gather_told(&self.pack, &mix, self.pack.received - self.pack.window.charge)
        return sharpened(&mix), quantile(&mix, 0.05), quantile(&mix, 0.5), quantile(&mix, 0.95)

    def all(self):
        """For tests: each hypothesis' log weight, means and variances."""
        return [(self.pack.bank[n].log_weight, [self.pack.bank[n].mean[i] for i in range(STATES)],
                 [self.pack.bank[n].covariance[i * (i + 1) // 2 + i] for i in range(STATES)]) for n in range(BANK)]

    def run(self, const double[:, ::1] frames, double[:, ::1] answers, const long[::1] wanted):
        """`step` over frames (dt_s, A, V, degC, meter A); answers[k]: `estimate` after frame wanted[k] (rising)."""
        cdef Py_ssize_t i, k = 0
        if frames.shape[1] != 5 or answers.shape[1] != ANSWERS or answers.shape[0] != wanted.shape[0]:
            raise ValueError("frames are of 5 columns, answers of 11, one for each that is wanted")
        with nogil:
            for i in range(frames.shape[0]):
                self._step(frames[i, 0], frames[i, 1], frames[i, 2], frames[i, 3], frames[i, 4])
                while k < wanted.shape[0] and wanted[k] == i:
                    tell(&self.pack, &self.cells, &self.type.cell, &answers[k, 0])
                    k += 1


cdef int recall(double* mean, double* sd, pair) except -1:
    """(mean, sd) of a record. Raises ValueError for what is none."""
    if not (isfinite(<double>pair[0]) and 0 < pair[1] < 10):
        raise ValueError(f"kept {pair}")
    mean[0] = pair[0]
    sd[0] = pair[1]
    return 0


def step_all(packs, const double[:, ::1] frames, double[:, ::1] answers):
    """One frame (as in `run`) for each pack; `estimate` into the answers of those whose window ended.

    ValueError for sizes."""
    cdef Py_ssize_t i
    cdef Estimator pack
    if frames.shape[0] != len(packs) or answers.shape[0] != len(packs) or frames.shape[1] != 5 or answers.shape[1] != ANSWERS:
        raise ValueError(f"{len(packs)} packs need as many frames of 5 and answers of 11")
    for i in range(len(packs)):
        pack = packs[i]
        with nogil:
            if pack._step(frames[i, 0], frames[i, 1], frames[i, 2], frames[i, 3], frames[i, 4]):
                tell(&pack.pack, &pack.cells, &pack.type.cell, &answers[i, 0])
