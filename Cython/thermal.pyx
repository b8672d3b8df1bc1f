# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Watches one pack for a thermal event: temperatures, their rise, a cell that loses its voltage, smoke, the BMS's word.

Total: no I/O, no allocation in `update` beyond the answer, no exception for any number (NaN: nothing new, or not to be
believed). docs/thermal.md explains each limit.

Rise: of the hottest probe above the coldest, for what warms the whole pack is no cell. Time is cut into slots; the
lowest of a slot against the highest of the slot before the last is a rise that neither noise nor the wire's steps of 1 degC can feign; a step of any height rises in two slots at most, so
`confirmed` slots of rise, one after the other, are a climb. Four slot lengths run side by side.
"""
from libc.math cimport INFINITY, NAN, fabs, isfinite, isinf, isnan
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

cdef enum:
    TRENDS = 4
    SETS = 2  # ordinary, attentive
    TRUE = 1

cpdef enum:
    NORMAL = 0
    SUSPECT = 1
    EVENT = 2

cpdef enum:
    BMS_ALARM = 1
    SMOKE = 2
    TEMPERATURE = 4
    TEMPERATURE_RATE = 8
    CELL_VOLTAGE_DROP = 16
    SPREAD = 32

cdef packed struct Limits:
    double slot_s[TRENDS]
    double rise_k[SETS][TRENDS]
    double hot_c[SETS]
    double spread_k[SETS]
    double unseen_s[SETS]
    double confirmed
    double jump_k
    double jump_k_s
    double doubt_s
    double gap_s
    double cell_share
    double smoke_s

cdef packed struct Row:
    double now_s
    float hot_c
    float cold_c
    float low_v
    float mid_v
    uint8_t smoke
    uint8_t alarm
    uint8_t attentive

cdef packed struct Trend:
    double began_s
    double low_k
    double high_k
    double before_k  # the highest of the slot before
    double two_before_k
    double rise_k
    int64_t rising

cdef packed struct Probe:  # the hottest or the coldest: its last readings, and their median with the newest
    double last_c[2]
    double seen_c

cdef packed struct Memory:
    Trend trends[TRENDS]
    Probe hot
    Probe cold
    double now_s
    double seen_s
    double jump_s
    double low_v
    double mid_v
    double clear_s
    int64_t stepped  # hot or uneven without having grown so
    int64_t warm  # causes that had grown before a cell lost its voltage


cdef void _clear(Trend* trend) noexcept nogil:
    """The next reading begins a slot; what was before it counts as endlessly hot, so nothing has risen from it."""
    trend.began_s = trend.rise_k = -INFINITY
    trend.high_k = trend.before_k = trend.two_before_k = INFINITY


cdef void _follow(Trend* trend, double now_s, double spread_k, double slot_s, double rise_k) noexcept nogil:
    if now_s - trend.began_s >= slot_s:
        trend.rise_k = trend.low_k - trend.two_before_k
        trend.rising = trend.rising + 1 if trend.rise_k >= rise_k else 0
        trend.two_before_k = trend.before_k
        trend.before_k = trend.high_k
        trend.began_s = now_s
        trend.low_k = trend.high_k = spread_k
    trend.low_k = min(trend.low_k, spread_k)
    trend.high_k = max(trend.high_k, spread_k)


cdef void _read(Probe* probe, double value_c) noexcept nogil:
    """The median of the last three: one spike is not seen."""
    cdef double low_c = min(probe.last_c[0], probe.last_c[1])
    cdef double high_c = max(probe.last_c[0], probe.last_c[1])
    probe.seen_c = min(max(value_c, low_c), high_c)
    probe.last_c[0] = probe.last_c[1]
    probe.last_c[1] = value_c


cdef class Detector:
    """One pack. limits: `station_ctl.thermal.limits.Limits.row()`; ValueError unless all are there and finite."""

    cdef Limits limits
    cdef Memory memory

    def __cinit__(self, limits):
        cdef int count = sizeof(Limits) // sizeof(double)
        cdef int i
        if len(limits) != count:
            raise ValueError(f"a detector needs {count} limits, got {len(limits)}")
        for i in range(count):
            (<double*>&self.limits)[i] = limits[i]
            if not isfinite(limits[i]):
                raise ValueError(f"limit {i} is {limits[i]}")
        self.memory.now_s = INFINITY
        self._restart(INFINITY)

    cdef void _restart(self, double now_s) noexcept nogil:
        """Nothing is known from before."""
        cdef Memory* my = &self.memory
        my.seen_s = my.clear_s = now_s
        my.jump_s = -INFINITY
        my.warm = 0
        my.low_v = my.mid_v = my.hot.seen_c = my.cold.seen_c = NAN
        self._break()
        my.stepped = False

    cdef void _break(self) noexcept nogil:
        """What the hottest probe shows has not grown out of what it showed."""
        cdef int i
        self.memory.stepped = True
        for i in range(TRENDS):
            _clear(&self.memory.trends[i])

    cdef void _take(self, double now_s, double hot_c, double cold_c, bint attentive) noexcept nogil:
        cdef Memory* my = &self.memory
        cdef double passed_s = now_s - my.seen_s
        cdef double jump_k = self.limits.jump_k + self.limits.jump_k_s * passed_s
        cdef double hot_before_c = my.hot.seen_c
        cdef double cold_before_c = my.cold.seen_c
        cdef double spread_k
        cdef int i
        my.seen_s = now_s
        if passed_s > self.limits.gap_s or isnan(hot_before_c):
            my.hot.last_c[0] = my.hot.last_c[1] = my.hot.seen_c = hot_c
            my.cold.last_c[0] = my.cold.last_c[1] = my.cold.seen_c = cold_c
            self._break()
        else:
            _read(&my.hot, hot_c)
            _read(&my.cold, cold_c)
            if fabs(my.hot.seen_c - hot_before_c) > jump_k or fabs(my.cold.seen_c - cold_before_c) > jump_k:
                my.jump_s = now_s
                self._break()
        spread_k = my.hot.seen_c - my.cold.seen_c
        for i in range(TRENDS):
            _follow(&my.trends[i], now_s, spread_k, self.limits.slot_s[i], self.limits.rise_k[attentive][i])
        if my.hot.seen_c < self.limits.hot_c[attentive] and spread_k < self.limits.spread_k[attentive]:
            my.stepped = False

    cdef int _longest(self) noexcept nogil:
        """Index of the slot length at which it has been rising for the most slots."""
        cdef int found = 0
        cdef int i
        for i in range(TRENDS):
            if self.memory.trends[i].rising > self.memory.trends[found].rising:
                found = i
        return found

    cdef (int, int, bint) _judge(self, uint8_t smoke, uint8_t alarm, bint attentive) noexcept nogil:
        cdef Memory* my = &self.memory
        cdef bint seen = my.now_s - my.seen_s <= self.limits.unseen_s[attentive]
        cdef bint quiet = my.now_s - my.jump_s >= self.limits.doubt_s
        cdef bint grown = isinf(my.jump_s) and not my.stepped  # a probe that jumped once is no witness any more
        cdef bint event = alarm == TRUE
        cdef int causes = BMS_ALARM if alarm == TRUE else 0
        cdef int64_t rising
        if smoke == TRUE:
            causes |= SMOKE
            event |= my.now_s - my.clear_s >= self.limits.smoke_s
        if my.low_v < self.limits.cell_share * my.mid_v:
            causes |= CELL_VOLTAGE_DROP
        if seen:
            if my.hot.seen_c >= self.limits.hot_c[attentive]:
                causes |= TEMPERATURE
                event |= grown and my.cold.seen_c >= self.limits.hot_c[attentive]
            if my.hot.seen_c - my.cold.seen_c >= self.limits.spread_k[attentive]:
                causes |= SPREAD
            if causes & CELL_VOLTAGE_DROP:
                event |= my.warm
            else:
                my.warm = causes & (TEMPERATURE | SPREAD) if grown else 0
            rising = my.trends[self._longest()].rising
            if quiet and 2 * rising >= self.limits.confirmed:
                causes |= TEMPERATURE_RATE
                event |= rising >= self.limits.confirmed
        return EVENT if event else SUSPECT if causes else NORMAL, causes, not seen or not quiet or my.stepped

    cdef (int, int, bint) _update(
        self, double now_s, double hot_c, double cold_c, double low_v, double mid_v,
        uint8_t smoke, uint8_t alarm, bint attentive,
    ) noexcept nogil:
        cdef Memory* my = &self.memory
        if not isfinite(now_s):
            now_s = my.now_s
        if now_s < my.now_s:
            self._restart(now_s)
        my.now_s = now_s
        if isfinite(hot_c) and isfinite(cold_c):
            self._take(now_s, hot_c, cold_c, attentive)
        if isfinite(low_v) and isfinite(mid_v):
            my.low_v = low_v
            my.mid_v = mid_v
        if smoke != TRUE:
            my.clear_s = now_s
        return self._judge(smoke, alarm, attentive)

    def update(
        self, double now_s, double hot_c, double cold_c, double low_v, double mid_v,
        uint8_t smoke, uint8_t alarm, bint attentive,
    ):
        """One cycle's news: (verdict, causes, blind).

        now_s: loop time; if it goes back, the detector begins anew; one that is not finite is the time before.
        hot_c, cold_c: BSM's highest and lowest probe. low_v, mid_v: lowest and median cell of BMV. NaN: nothing new.
        smoke, alarm: drivers.reading.Signal; only TRUE counts. attentive: the tighter set of limits.
        """
        return self._update(now_s, hot_c, cold_c, low_v, mid_v, smoke, alarm, attentive)

    def measured(self):
        """What the last verdict was made from: hottest, coldest (degC, median of three), rise (K) and the index of its
        slot length, lowest and median cell (V), seconds since the last temperatures."""
        cdef Memory* my = &self.memory
        cdef int longest = self._longest()
        age_s = my.now_s - my.seen_s
        return my.hot.seen_c, my.cold.seen_c, my.trends[longest].rise_k, longest, my.low_v, my.mid_v, age_s

    def dump(self):
        """All it remembers, as bytes for `load`."""
        return (<const char*>&self.memory)[:sizeof(Memory)]

    def load(self, bytes memory not None):
        """Remember what `dump` gave. Raises ValueError for another size."""
        if len(memory) != sizeof(Memory):
            raise ValueError(f"a memory is {sizeof(Memory)} bytes, got {len(memory)}")
        memcpy(&self.memory, <const char*>memory, sizeof(Memory))

    def run(self, const uint8_t[::1] rows, uint8_t[::1] answers):
        """`update` over records (now_s, hot_c, cold_c, low_v, mid_v, smoke, alarm, attentive), `struct` "<d4f3B".

        answers: three bytes (verdict, causes, blind) for each record. Raises ValueError for another size.
        """
        cdef Py_ssize_t count = rows.shape[0] // <Py_ssize_t>sizeof(Row)
        cdef Py_ssize_t i
        cdef const Row* row
        cdef (int, int, bint) answer
        if rows.shape[0] % <Py_ssize_t>sizeof(Row) or answers.shape[0] != 3 * count:
            raise ValueError(f"{answers.shape[0]} bytes of answers for {rows.shape[0]} of records of {sizeof(Row)}")
        with nogil:
            for i in range(count):
                row = <const Row*>&rows[0] + i
                answer = self._update(
                    row.now_s, row.hot_c, row.cold_c, row.low_v, row.mid_v, row.smoke, row.alarm, 1 if row.attentive else 0
                )
                answers[3 * i] = answer[0]
                answers[3 * i + 1] = answer[1]
                answers[3 * i + 2] = answer[2]
