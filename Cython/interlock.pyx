# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The interlock: causes over measured inputs -> permits and trips, with a latch and first-out.

Pure and total: no I/O, no allocation in `judge` beyond the answer, no exception but for a block of the wrong size.
It can only withhold permission; it never asks which step the controller thinks it is in.

A cause is the failure of one *safe condition*:
    discrete: the input reads exactly the required value (0 false, 1 true), is not older than its age limit;
    analogue: the value is not beyond its limit (a NaN always is), is not older than its age limit.
UNTRUSTED (2) and NOT AVAILABLE (3) equal no required value, so they satisfy nothing.

Hysteresis: once a fresh value was beyond its limit, the cause stands until a fresh value is back inside by the row's
hysteresis. It belongs to a *subject*, a number that says what the value is of (which packs): a value of another
subject is judged without what was remembered of the one before. What is not known (too old, NaN) activates the cause
while it lasts and neither sets nor clears the memory: hysteresis answers noise about a limit, not silence.

Latch (after the pattern of an emergency-stop latch): it boots latched; it clears only on a rising edge of `reset`
with every cause gone that blocks a reset; a trip sets it in the same call. Whether what tripped it has to be gone too
is said when it is made: not where a person's next motion by hand is what mends it (an open latch permits nothing that
a standing cause withholds), but where an effect would go on by itself as soon as the cause is gone.
"""
from types import MappingProxyType

from libc.math cimport isnan
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    DISCRETE_INPUTS = 48
    ANALOGUE_INPUTS = 16
    MAX_CAUSES = 64
    NO_CAUSE = -1

cdef packed struct Inputs:
    uint8_t discrete[DISCRETE_INPUTS]
    uint32_t discrete_age_ms[DISCRETE_INPUTS]
    double analogue[ANALOGUE_INPUTS]
    uint32_t analogue_age_ms[ANALOGUE_INPUTS]
    uint32_t subject[ANALOGUE_INPUTS]

cdef struct Cause:
    bint is_analogue
    uint8_t input
    uint8_t required
    bint at_least
    double limit
    double hysteresis
    uint32_t max_age_ms
    uint16_t withholds
    uint8_t stop_category
    bint trips_at_rest
    bint blocks_reset
    bint start_only

cdef struct Memory:  # of one analogue cause, for its hysteresis
    bint beyond
    uint32_t subject

INPUT_SLOTS = (DISCRETE_INPUTS, ANALOGUE_INPUTS)
"""How many discrete and analogue inputs a block has room for."""
INPUT_BLOCK_FORMAT = (
    f"<{DISCRETE_INPUTS}B{DISCRETE_INPUTS}I{ANALOGUE_INPUTS}d{ANALOGUE_INPUTS}I{ANALOGUE_INPUTS}I"
)
"""`struct` format of the input block: discrete values, their ages, analogue values, their ages, their subjects (ms)."""

# The compiled-in bounds of every limit: (least, most). No table and no configuration goes beyond them.
cdef dict _MAXIMA = {
    "plc_age_ms": (60, 300),
    "truck_age_ms": (150, 500),
    "truck_hold_age_ms": (500, 2000),
    "pack_age_ms": (150, 500),
    "pack_slow_age_ms": (300, 1000),
    "charge_demand_age_ms": (300, 1000),
    "pack_current_a": (0.5, 1.0),
    "link_voltage_v": (10.0, 60.0),
    "voltage_gap_v": (5.0, 10.0),
    "load_kg": (500.0, 3500.0),
    "unloaded_kg": (50.0, 100.0),
    "pack_temperature_c": (30.0, 60.0),
    "charge_temperature_max_c": (30.0, 55.0),
    "charge_temperature_min_c": (5.0, 20.0),
    "insulation_ohm_per_v": (100.0, 2000.0),
}
cdef set _AT_LEAST = {"insulation_ohm_per_v", "charge_temperature_min_c"}
MAXIMA = MappingProxyType(_MAXIMA)
"""Name of a limit -> (least, most) that it can be set to. A name that ends in `_age_ms` limits the age of an input."""
LOWER_LIMITS = frozenset(_AT_LEAST)
"""Names of the limits that a value must not fall below; all others must not be exceeded."""


cdef bint _inside(const Cause* cause, double value, bint was_beyond) noexcept nogil:
    """False for a NaN whatever the limit."""
    cdef double margin = cause.hysteresis if was_beyond else 0.0
    if cause.at_least:
        return value >= cause.limit + margin
    return value <= cause.limit - margin


cdef void _bounded(str name, double value, bint is_age) except *:
    if name not in _MAXIMA or name.endswith("_age_ms") != is_age:
        raise ValueError(f"{name!r} is no compiled-in limit of {'an age' if is_age else 'a value'}")
    least, most = _MAXIMA[name]
    if not least <= value <= most:
        raise ValueError(f"{name} is {value:g}, compiled in are {least:g} to {most:g}")


cdef class Interlock:
    """Evaluates a fixed table of causes; holds the latch and the hysteresis. One instance a station, or a bay.

    causes: rows (is_analogue, input, required, limit_name, limit, hysteresis, age_name, max_age_ms, withholds,
    stop_category, trips_at_rest, blocks_reset, start_only), at most 64, in order of priority for first-out; `withholds`
    is a mask of motion classes, a part of all_classes. limit_name and age_name are keys of MAXIMA; whether a limit is
    a lower one follows from its name. A discrete row has limit_name '', limit 0 and hysteresis 0.
    Raises ValueError for a table that is empty, too long, names an input that does not exist, withholds nothing, or is
    looser than MAXIMA; OverflowError for a number that its field cannot hold.
    tripped_blocks: no reset while a cause that tripped it stands.
    """

    cdef Cause causes[MAX_CAUSES]
    cdef Memory memories[MAX_CAUSES]
    cdef int count
    cdef uint16_t all_classes
    cdef bint tripped_blocks
    cdef bint latched
    cdef bint reset_before
    cdef uint64_t tripped
    cdef int first
    cdef uint8_t category

    def __cinit__(self, rows, uint16_t all_classes, bint tripped_blocks):
        # Whatever is not set here is 0: nothing tripped, nothing beyond.
        cdef int i
        if not 0 < len(rows) <= MAX_CAUSES:
            raise ValueError(f"an interlock needs 1..{MAX_CAUSES} causes, got {len(rows)}")
        self.count = len(rows)
        self.all_classes = all_classes
        self.tripped_blocks = tripped_blocks
        for i in range(self.count):
            self._set(&self.causes[i], rows[i])
        self.latched = True
        self.reset_before = True
        self.first = NO_CAUSE
        self.category = 1

    cdef void _set(self, Cause* cause, row) except *:
        (cause.is_analogue, cause.input, cause.required, limit_name, cause.limit, cause.hysteresis, age_name,
         cause.max_age_ms, cause.withholds, cause.stop_category, cause.trips_at_rest, cause.blocks_reset,
         cause.start_only) = row
        cause.at_least = limit_name in _AT_LEAST
        _bounded(age_name, cause.max_age_ms, True)
        if cause.is_analogue:
            _bounded(limit_name, cause.limit, False)
        elif limit_name or cause.limit != 0.0 or cause.hysteresis != 0.0:
            raise ValueError(f"a discrete cause has no limit: {row!r}")
        if cause.input >= (ANALOGUE_INPUTS if cause.is_analogue else DISCRETE_INPUTS):
            raise ValueError(f"input {cause.input} is outside of the input block")
        if cause.required > 1 or cause.stop_category > 2 or not 0.0 <= cause.hysteresis < float("inf"):
            raise ValueError(f"cause out of range: {row!r}")
        if not cause.withholds or cause.withholds & ~self.all_classes:
            raise ValueError(f"a cause withholds some of the classes there are: {row!r}")

    cdef bint _is_safe(self, int i, const Inputs* inputs, bint remember) noexcept nogil:
        cdef const Cause* cause = &self.causes[i]
        cdef Memory* memory = &self.memories[i]
        if not cause.is_analogue:
            return (
                inputs.discrete[cause.input] == cause.required
                and inputs.discrete_age_ms[cause.input] <= cause.max_age_ms
            )
        cdef double value = inputs.analogue[cause.input]
        cdef bint fresh = inputs.analogue_age_ms[cause.input] <= cause.max_age_ms
        cdef bint was_beyond = memory.beyond and memory.subject == inputs.subject[cause.input]
        cdef bint beyond = not _inside(cause, value, was_beyond)
        if remember and fresh and not isnan(value):
            memory.beyond = beyond
            memory.subject = inputs.subject[cause.input]
        return fresh and not beyond

    cdef uint64_t _active(self, const Inputs* inputs, bint remember) noexcept nogil:
        cdef uint64_t active = 0
        cdef int i
        for i in range(self.count):
            if not self._is_safe(i, inputs, remember):
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
            if not (active >> i) & 1 or not cause.stop_category or cause.start_only:
                continue
            if cause.trips_at_rest or cause.withholds & moving:
                if not self.latched:
                    self.first = i
                    self.category = cause.stop_category
                self.latched = True
                self.tripped |= (<uint64_t>1) << i
                self.category = min(self.category, cause.stop_category)

    cdef void _reset(self, uint64_t active) noexcept nogil:
        cdef uint64_t blocking = self.tripped if self.tripped_blocks else 0
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

    cdef void _load(self, bytes block, Inputs* inputs) except *:
        if len(block) != sizeof(Inputs):
            raise ValueError(f"an input block is {sizeof(Inputs)} bytes, got {len(block)}")
        memcpy(inputs, <const char*>block, sizeof(Inputs))

    def judge(self, bytes block not None, uint16_t moving, bint reset):
        """One cycle: (active mask, permits, latched, stop category, index of the first-out cause or -1, tripped mask).

        block: packed as INPUT_BLOCK_FORMAT; moving: classes of motion under way; reset: level of the reset line.
        """
        cdef Inputs inputs
        self._load(block, &inputs)
        cdef uint64_t active = self._active(&inputs, True)
        if reset and not self.reset_before:
            self._reset(active)
        self.reset_before = reset
        self._trip(active, moving)
        cdef uint16_t permits = 0
        if not self.latched:
            permits = self.all_classes & ~self._withheld(active, False)
        return active, permits, bool(self.latched), self.category, self.first, self.tripped

    def may_start(self, bytes block not None):
        """(active mask, classes that may be started now). Changes nothing; the latch and the hysteresis count."""
        cdef Inputs inputs
        self._load(block, &inputs)
        cdef uint64_t active = self._active(&inputs, False)
        cdef uint16_t permits = 0
        if not self.latched:
            permits = self.all_classes & ~self._withheld(active, True)
        return active, permits

    def dump(self):
        """All that is remembered between two calls, for a replay: (latched, reset level, tripped mask, first-out index,
        stop category, mask of values beyond their limits, subject of each cause)."""
        cdef int i
        cdef uint64_t beyond = 0
        for i in range(self.count):
            if self.memories[i].beyond:
                beyond |= (<uint64_t>1) << i
        subjects = tuple([self.memories[i].subject for i in range(self.count)])
        return bool(self.latched), bool(self.reset_before), self.tripped, self.first, self.category, beyond, subjects

    def load(self, memory):
        """Remember what `dump` gave: a replay begins in the middle. Nothing that drives a plant calls this.

        Raises ValueError for what no `dump` of such a table can be; nothing is changed then.
        """
        cdef int i
        latched, reset_before, tripped, first, category, beyond, subjects = memory
        if (tripped | beyond) >> self.count or not NO_CAUSE <= first < self.count or not 0 <= category <= 2:
            raise ValueError(f"no memory of an interlock with {self.count} causes: {memory!r}")
        if [s for s in subjects if not 0 <= s <= 0xFFFFFFFF] or len(subjects) != self.count:
            raise ValueError(f"no subjects of an interlock with {self.count} causes: {subjects!r}")
        self.latched, self.reset_before, self.tripped = latched, reset_before, tripped
        self.first, self.category = first, category
        for i in range(self.count):
            self.memories[i].beyond = beyond >> i & 1
            self.memories[i].subject = subjects[i]
