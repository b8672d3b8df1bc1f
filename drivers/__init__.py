"""Drivers: each knows its device and nothing of the station."""
