"""The black box: the last minutes at cycle rate, flushed on a trip, read and decided again by `station-ctl replay`."""
