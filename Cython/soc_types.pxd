# cython: language_level=3, cdivision=True
"""What the charge estimator's rooms share: the sizes, one hypothesis, one pack's whole memory, one cell type.

Lengths of charge are in parts of the type's fresh capacity ("x" from empty, "q" the capacity), rates in parts of it
per hour. A pack's memory is one block, `Pack`: nothing else is allocated, ever.
"""

cdef enum:
    STATES = 8
    PACKED = 36  # lower triangle of a symmetric 8 x 8, by rows
    CHARGES = 31  # hypotheses of the charge
    HEALTHS = 6  # of the capacity, for each of these
    BANK = 186
    POINTS = 1024  # of each curve
    WARMTHS = 64  # temperatures, every 2 K from -40 degC
    TERMS = 6

cdef enum:
    X = 0  # charge above empty
    Q = 1  # capacity
    H = 2  # branch of the open-circuit voltage: -1 discharge, +1 charge
    S = 3  # overpotential against the type's
    G = 4  # graphite that is left, in parts of fresh: the plateau is so much shorter
    C = 5  # voltage error that stays (sensor, cell), V
    O = 6  # voltage error that wanders with the charge that passes (model), V
    B = 7  # current sensor of the BMS, C

cdef struct Hypothesis:
    double log_weight
    double mean[STATES]
    double covariance[PACKED]
    double extra  # variance of the wandering error that its place on the curve adds, V^2

cdef struct Health:
    double weight
    double capacity
    double sd
    double graphite
    double graphite_sd

cdef struct Prior:  # what the pack keeps between visits, beside its capacity
    double bias
    double bias_sd
    double scale
    double scale_sd
    double scale_aged  # by which it grows for each part of the capacity that is lost, and the sd of that
    double level_v
    double level_sd_v

cdef struct Window:  # sums between two looks at the voltage
    double charge
    double through  # both directions added
    double travel  # of the slow mean of the current
    double bms_h  # hours counted by the BMS's sensor alone
    double elapsed_s
    double keep  # branch after = keep * branch before + push
    double push
    double spread  # variance of the charge that was not seen
    double count
    double voltage_v
    double eta_v
    double lag
    double charge_at
    double temperature_c
    double differences
    double difference

cdef struct Terms:  # at one temperature
    double lag_gain  # lag of the particle's surface at 1 C
    double lag_s
    double ohm_v  # at 1 C
    double exchange  # C
    double slow_v  # at 1 C
    double slow_s

cdef struct Pace:  # of the last step: most are as long and as warm as the one before
    double dt_s
    double hours
    double temperature_c
    double slow  # what it leaves of each state that relaxes
    double fast
    double resistor
    double branch
    double travel
    double eta
    Terms terms

cdef struct Pack:
    double rate  # last C-rate
    double known_rate  # last measured
    double lag_slow
    double lag_fast
    double slow_v  # of the resistor with the capacitor
    double branch_rate
    double travel_rate
    double eta_mean_v
    double eta_swing_v
    double unseen  # charge that passed unseen since the last valid current
    double same_s  # since current or voltage last changed
    double last_current_a
    double last_voltage_v
    double last_temperature_c
    double level_v  # voltage less overpotential, of the last sample taken
    double refused
    double innovation  # slow mean of the normalised innovation squared
    double blind_s  # since the last valid voltage
    double age_s
    double received  # charge since it was docked
    double disagree_s  # since meter and BMS are far apart
    double meter_s  # since the meter was heard
    double docked
    double alive
    double shown  # charge that is told: follows the hypotheses, at no more than a small step a look
    double looks
    double anew  # hypotheses have begun since the last look
    double woken  # looks when last woken for a failing innovation
    double coasted_s  # since a current was measured
    Pace pace
    Prior prior
    Health health[HEALTHS]
    Window window
    Hypothesis bank[BANK]

cdef struct Cell:
    # what the battery owner measured, beside the curves
    double capacity_ah
    double fast_gain  # of the slow lag's
    double fast_s  # of the slow lag's
    double branch_gain
    double branch_s
    double knee_lag
    # how far to believe it
    double window_s
    double level_sd_v  # of C
    double model_sd_v  # of O at 25 degC
    double model_cold_k
    double model_length
    double model_s
    double graphite_sd
    double past_share
    double past_c
    double knee_sd
    double eta_sd
    double noise_v
    double swing_share
    double scale_sd
    double scale_aged
    double scale_wander
    double branch_sd
    double bias_sd
    double bias_wander
    double meter_noise
    double charge_wander
    double temper
    double huber
    double fresh_charge  # looks so far apart are two looks; nearer ones are one place of the curve
    double rest_share  # of a look at the place of the one before
    double most_evidence  # by which one look may favour one hypothesis over another, in log weight
    double low_v  # a cell voltage outside is no measurement
    double high_v
    double coldest_k  # nor is one below: the terms end there, and grow steeply (in the warmth they only shrink)

cdef struct Curves:
    double first
    double per_step
    double plateau[3 * POINTS]  # from empty, side by side: V, V/K, half width of the hysteresis in V
    double knee[POINTS]  # from full: V
    Terms terms[WARMTHS]
