# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The interlock: causes over measured inputs -> permits and trips, with a latch and first-out.

Pure and total: no I/O, no allocation in `judge` beyond the answer, no exception but for a block of the wrong size.
It can only withhold permission; it never asks which step the controller thinks it is in.

A cause is the failure of one *safe condition*:
    discrete: the input reads exactly the required value (0 false, 1 true), is not older than its age limit;
    analogue: low <= value <= high (a NaN is never within), is not older than its age limit.
UNTRUSTED (2) and NOT AVAILABLE (3) equal no required value, so they satisfy nothing.

Latch (after the pattern of an emergency-stop latch): it boots latched; it clears only on a rising edge of `reset`
with every cause gone that tripped it or that blocks a reset; a trip sets it in the same call.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    DISCRETE_INPUTS = 32
    ANALOGUE_INPUTS = 16
    MAX_CAUSES = 64
    NO_CAUSE = -1

cdef packed struct Inputs:
    uint8_t discrete[DISCRETE_INPUTS]
    uint32_t discrete_age_ms[DISCRETE_INPUTS]
    double analogue[ANALOGUE_INPUTS]
    uint32_t analogue_age_ms[ANALOGUE_INPUTS]

cdef struct Cause:
    bint is_analogue
    uint8_t input
    uint8_t required
    double low
    double high
    uint32_t max_age_ms
    uint16_t withholds
    uint8_t stop_category
    bint trips_at_rest
    bint blocks_reset
    bint start_only

INPUT_BLOCK_FORMAT = f"<{DISCRETE_INPUTS}B{DISCRETE_INPUTS}I{ANALOGUE_INPUTS}d{ANALOGUE_INPUTS}I"
"""`struct` format of the input block: discrete values, their ages, analogue values, their ages (ages in ms)."""


cdef bint _is_safe(const Cause* cause, const Inputs* inputs) noexcept nogil:
    cdef double value
    if cause.is_analogue:
        value = inputs.analogue[cause.input]
        return (
            value >= cause.low
            and value <= cause.high
            and inputs.analogue_age_ms[cause.input] <= cause.max_age_ms
        )
    return (
        inputs.discrete[cause.input] == cause.required
        and inputs.discrete_age_ms[cause.input] <= cause.max_age_ms
    )


cdef class Interlock:
    """Evaluates a fixed table of causes; holds the latch. One instance a station.

    causes: rows (is_analogue, input, required, low, high, max_age_ms, withholds, stop_category, trips_at_rest,
    blocks_reset, start_only), at most 64, in order of priority for first-out; `withholds` is a mask of motion classes.
    Raises ValueError for a table that is empty, too long, or names an input that does not exist.
    """

    cdef Cause causes[MAX_CAUSES]
    cdef int count
    cdef uint16_t all_classes
    cdef bint latched
    cdef bint reset_before
    cdef uint64_t tripped
    cdef int first
    cdef uint8_t category

    def __cinit__(self, rows, uint16_t all_classes):
        cdef int i
        if not 0 < len(rows) <= MAX_CAUSES:
            raise ValueError(f"an interlock needs 1..{MAX_CAUSES} causes, got {len(rows)}")
        self.count = len(rows)
        self.all_classes = all_classes
        for i in range(self.count):
            self._set(&self.causes[i], rows[i])
        self.latched = True
        self.reset_before = True
        self.tripped = 0
        self.first = NO_CAUSE
        self.category = 1

    cdef int _set(self, Cause* cause, row) except -1:
        (cause.is_analogue, cause.input, cause.required, cause.low, cause.high, cause.max_age_ms,
         cause.withholds, cause.stop_category, cause.trips_at_rest, cause.blocks_reset, cause.start_only) = row
        if cause.input >= (ANALOGUE_INPUTS if cause.is_analogue else DISCRETE_INPUTS):
            raise ValueError(f"input {cause.input} is outside of the input block")
        if cause.required > 1 or cause.stop_category > 2 or cause.low != cause.low or cause.high != cause.high:
            raise ValueError(f"cause out of range: {row!r}")
        return 0

    cdef uint64_t _active(self, const Inputs* inputs) noexcept nogil:
        cdef uint64_t active = 0
        cdef int i
        for i in range(self.count):
            if not _is_safe(&self.causes[i], inputs):
                active |= (<uint64_t>1) << i
        return active

    cdef uint16_t _withheld(self, uint64_t active, bint starting) noexcept nogil:
        cdef uint16_t withheld = 0
        cdef int i
        for i in range(self.count):
            if (active >> i) & 1 and (starting or not self.causes[i].start_only):
                withheld |= self.causes[i].withholds
        return withheld

    cdef void _trip(self, uint64_t active, uint16_t moving) noexcept nogil:
        cdef int i
        cdef Cause* cause
        for i in range(self.count):
            cause = &self.causes[i]
            if not (active >> i) & 1 or cause.stop_category == 0 or cause.start_only:
                continue
            if cause.trips_at_rest or cause.withholds & moving:
                if not self.latched:
                    self.first = i
                    self.category = cause.stop_category
                self.latched = True
                self.tripped |= (<uint64_t>1) << i
                if cause.stop_category < self.category:
                    self.category = cause.stop_category

    cdef void _reset(self, uint64_t active) noexcept nogil:
        cdef uint64_t blocking = self.tripped
        cdef int i
        for i in range(self.count):
            if self.causes[i].blocks_reset:
                blocking |= (<uint64_t>1) << i
        if active & blocking:
            return
        self.latched = False
        self.tripped = 0
        self.first = NO_CAUSE
        self.category = 0

    cdef int _load(self, bytes block, Inputs* inputs) except -1:
        if len(block) != sizeof(Inputs):
            raise ValueError(f"an input block is {sizeof(Inputs)} bytes, got {len(block)}")
        memcpy(inputs, <const char*>block, sizeof(Inputs))
        return 0

    def judge(self, bytes block not None, uint16_t moving, bint reset):
        """One cycle: (active mask, permits, latched, stop category, index of the first-out cause or -1, tripped mask).

        block: packed as INPUT_BLOCK_FORMAT; moving: classes of motion under way; reset: level of the reset line.
        """
        cdef Inputs inputs
        self._load(block, &inputs)
        cdef uint64_t active = self._active(&inputs)
        if reset and not self.reset_before and self.latched:
            self._reset(active)
        self.reset_before = reset
        self._trip(active, moving)
        cdef uint16_t permits = 0
        if not self.latched:
            permits = self.all_classes & ~self._withheld(active, False)
        return active, permits, bool(self.latched), self.category if self.latched else 0, self.first, self.tripped

    def may_start(self, bytes block not None):
        """(active mask, classes that may be started now). Changes nothing; the latch counts."""
        cdef Inputs inputs
        self._load(block, &inputs)
        cdef uint64_t active = self._active(&inputs)
        cdef uint16_t permits = 0
        if not self.latched:
            permits = self.all_classes & ~self._withheld(active, True)
        return active, permits
