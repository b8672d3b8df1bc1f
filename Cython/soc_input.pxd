# cython: language_level=3, cdivision=True
"""What comes from the wires is made fit to count: lost, frozen, wild and late frames widen, they never jump.

A frame counts as frozen when current and voltage stand still to the last bit under load for 10 frames of a second.
"""
from libc.math cimport NAN, fabs, isfinite
from libc.string cimport memset
from soc_cell cimport flow, left, overpotential, set_pace
from soc_types cimport Cell, Curves, Pack, Window

cdef enum:
    FROZEN_S = 10
    HELD_S = 30  # a lost current is taken to go on that long
    LONGEST_S = 600
    AWAY_S = 60  # so long without its meter a pack has left the bay; a lost answer or two is none
    WILD_C = 20


cdef inline void begin_window(Window* w) noexcept nogil:
    memset(w, 0, sizeof(Window))
    w.keep = 1


cdef inline void unseen(Pack* pack, double charge) noexcept nogil:
    """Charge nobody measured: its errors add up, they do not average."""
    pack.window.spread += charge * (2 * pack.unseen + charge)
    pack.unseen += charge


cdef inline double measured(Pack* pack, const Cell* cell, double dt_s, double current_a, double meter_a) noexcept nogil:
    """C-rate by the station's meter where there is one, else by the BMS; NAN: neither. Compares the two."""
    cdef double most_a = WILD_C * cell.capacity_ah
    cdef bint bms = fabs(current_a) <= most_a  # false for NaN
    cdef bint meter = fabs(meter_a) <= most_a
    if bms and meter:
        if fabs(current_a - meter_a) > 0.05 * cell.capacity_ah + 0.1 * fabs(meter_a):
            pack.disagree_s += dt_s
        else:
            pack.disagree_s = 0
            pack.window.difference += (current_a - meter_a) / cell.capacity_ah
            pack.window.differences += 1
        meter = pack.disagree_s <= 10
    if meter:
        if not pack.docked:
            pack.received = 0
        pack.docked = 1
        pack.meter_s = 0
        return meter_a / cell.capacity_ah
    pack.meter_s += dt_s
    if pack.meter_s > AWAY_S:
        pack.docked = 0
    if bms:
        pack.window.bms_h += min(dt_s, LONGEST_S) / 3600
        return current_a / cell.capacity_ah
    return NAN


cdef inline void count(Pack* pack, const Cell* cell, const Curves* curves, double dt_s, double temperature_c,
                       double rate) noexcept nogil:
    """The charge of one step."""
    cdef double before = pack.window.charge
    cdef double late_s = max(dt_s - LONGEST_S, 0)
    dt_s -= late_s
    set_pace(pack, cell, curves, dt_s, temperature_c)
    if isfinite(rate):
        pack.coasted_s = pack.unseen = 0
        flow(pack, cell, (rate + pack.rate) / 2)
        if pack.same_s > 6 * FROZEN_S and not pack.docked:
            unseen(pack, 0.1 * fabs(rate) * dt_s / 3600)
        pack.rate = rate
    else:
        pack.coasted_s += dt_s
        if pack.coasted_s > HELD_S:
            pack.rate = 0
        unseen(pack, (0.02 + 0.3 * fabs(pack.rate) if pack.rate else 0.5) * dt_s / 3600)
        flow(pack, cell, pack.rate)
    if late_s > 0:
        set_pace(pack, cell, curves, late_s, temperature_c)
        flow(pack, cell, 0)
        unseen(pack, 0.1 * late_s / 3600)
    if pack.docked:
        pack.received += pack.window.charge - before


cdef inline bint believable(Pack* pack, const Cell* cell, double dt_s, double change, double voltage_v,
                            double level_v) noexcept nogil:
    """In range, where the type knows its cell, not frozen, and no lone spike against the sample before."""
    if pack.last_temperature_c + 273.15 < cell.coldest_k:
        return False
    if not (cell.low_v < voltage_v < cell.high_v) or pack.same_s > FROZEN_S and fabs(pack.rate) > 0.02:
        return False
    if pack.refused < 3 and dt_s < 30 and fabs(level_v - pack.level_v) > 0.03 + 0.03 * change and pack.age_s > dt_s:
        pack.refused += 1
        return False
    pack.refused = 0
    pack.level_v = level_v
    return True


cdef inline void take(Pack* pack, const Cell* cell, const Curves* curves, double dt_s, double current_a, double voltage_v,
                      double temperature_c, double meter_a) noexcept nogil:
    """One frame into the window."""
    cdef Window* w = &pack.window
    cdef double before = pack.rate
    cdef double eta_v
    if not -60 < temperature_c < 90:
        temperature_c = pack.last_temperature_c
    pack.last_temperature_c = temperature_c
    if current_a == pack.last_current_a and voltage_v == pack.last_voltage_v:
        pack.same_s += min(dt_s, 1)
    else:
        pack.same_s = 0
    pack.last_current_a = current_a
    pack.last_voltage_v = voltage_v
    count(pack, cell, curves, dt_s, temperature_c, measured(pack, cell, dt_s, current_a, meter_a))
    pack.age_s += dt_s
    eta_v = overpotential(pack, pack.rate)
    pack.eta_mean_v = left(pack.eta_mean_v, eta_v, pack.pace.eta)
    pack.eta_swing_v = left(pack.eta_swing_v, fabs(eta_v - pack.eta_mean_v), pack.pace.eta)
    if pack.coasted_s > 0 or not believable(pack, cell, dt_s, fabs(pack.rate - before), voltage_v, voltage_v - eta_v):
        pack.blind_s += dt_s
        return
    pack.blind_s = 0
    w.count += 1
    w.voltage_v += voltage_v
    w.eta_v += eta_v
    w.lag += pack.lag_slow + pack.lag_fast
    w.charge_at += w.charge
    w.temperature_c += temperature_c
