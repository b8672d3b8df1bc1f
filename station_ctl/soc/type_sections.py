"""The sections of a pack type's file: what was measured, how far to believe it, the limits. Units end the names."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from station_ctl.soc.type_rules import Degrees, Section, Share, Volt, near, rising

COLDEST_NEEDED_C: Final = 0.0
WARMEST_NEEDED_C: Final = 25.0
"""Terms have to be measured at least between these: nothing colder or warmer than the last is made up far."""


class Curve(Section):
    """`[curve]`: open-circuit voltage of a fresh cell at 25 degC over the charge, by branch."""

    soc: Annotated[tuple[float, ...], Field(min_length=21, max_length=1001)]
    discharge_v: tuple[Volt, ...]
    charge_v: tuple[Volt, ...]
    entropy_v_per_k: tuple[Annotated[float, Field(ge=-0.005, le=0.005)], ...]
    knee_from: Annotated[float, Field(ge=0.8, le=0.97)] = 0.92
    """Charge from which the top knee rises off the plateau."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("discharge_v", "charge_v", "entropy_v_per_k"):
            if len(getattr(self, name)) != len(self.soc):
                raise ValueError(f"{name}: {len(getattr(self, name))} values for {len(self.soc)} of soc")
        for name in ("soc", "discharge_v", "charge_v"):
            rising(name, getattr(self, name))
        if abs(self.soc[0]) > 1e-6 or abs(self.soc[-1] - 1) > 1e-6:
            raise ValueError(f"soc: from {self.soc[0]} to {self.soc[-1]}, not from 0 to 1")
        near("soc", self.soc, self.knee_from)
        for k, (low, high) in enumerate(zip(self.discharge_v, self.charge_v, strict=True)):
            if low > high:
                raise ValueError(f"charge_v: below discharge_v at soc {self.soc[k]}")
        return self


class Terms(Section):
    """`[terms]`: what depends on temperature, each at every `at_c`; C-rates are of the fresh capacity."""

    at_c: Annotated[tuple[Annotated[float, Field(ge=-40, le=85)], ...], Field(min_length=3, max_length=32)]
    lag_gain: tuple[Annotated[float, Field(gt=0, lt=3)], ...]
    """Charge by which the particles' surface runs ahead of their mean at a steady 1 C."""
    lag_s: tuple[Annotated[float, Field(ge=1, le=36000)], ...]
    ohm_v: tuple[Annotated[float, Field(gt=0, lt=3)], ...]
    """Ohmic drop at 1 C."""
    exchange_c: tuple[Annotated[float, Field(gt=0, lt=1000)], ...]
    """Exchange current of the charge transfer, (2RT/F) asinh(i / i0)."""
    slow_v: tuple[Annotated[float, Field(ge=0, lt=3)], ...]
    """Drop of one slow resistor with a capacitor at a steady 1 C; 0: there is none."""
    slow_s: tuple[Annotated[float, Field(ge=0.1, le=3600)], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name in ("lag_gain", "lag_s", "ohm_v", "exchange_c", "slow_v", "slow_s"):
            if len(getattr(self, name)) != len(self.at_c):
                raise ValueError(f"{name}: {len(getattr(self, name))} values for {len(self.at_c)} temperatures")
        rising("at_c", self.at_c)
        if self.at_c[0] > COLDEST_NEEDED_C or self.at_c[-1] < WARMEST_NEEDED_C:
            have, need = f"{self.at_c[0]} to {self.at_c[-1]}", f"{COLDEST_NEEDED_C} to {WARMEST_NEEDED_C}"
            raise ValueError(f"at_c: {have} degC is measured; temperatures from {need} are missing in part")
        return self


class Dynamics(Section):
    """`[dynamics]`: what does not depend on temperature."""

    fast_gain: Annotated[float, Field(ge=0, le=3)]
    """A second, faster lag: its gain and time as parts of the first's."""
    fast_s: Annotated[float, Field(gt=0, le=1)]
    branch_gain: Annotated[float, Field(gt=1, le=1000)]
    """exp(-branch_gain x charge) of the other branch is left after a charge."""
    branch_s: Annotated[float, Field(gt=0, le=7200)]
    """The branch follows the current's mean over this time."""
    knee_lag: Annotated[float, Field(ge=0, le=1)]
    """Part of the lag that the knee sees."""


class Trust(Section):
    """`[trust]`: how far measurement and model are believed. sd: standard deviation; charge as a part of capacity."""

    window_s: Annotated[float, Field(ge=1, le=60)] = 5.0
    """Frames of so long are averaged into one look at the voltage."""
    level_sd_v: Annotated[float, Field(gt=0, le=0.05)] = 0.006
    """Voltage error that stays: sensor, cell."""
    model_sd_v: Annotated[float, Field(gt=0, le=0.05)] = 0.010
    """Voltage error of the model at 25 degC that wanders with the charge that passes: what the fit leaves."""
    model_cold_per_k: Annotated[float, Field(ge=0, le=0.1)] = 0.03
    """It grows by exp of this for each K below 25 degC."""
    model_length: Share = 0.04
    """Charge after which 1/e of it is left."""
    model_s: Annotated[float, Field(ge=60, le=86400)] = 3600.0
    """Time after which 1/e of it is left."""
    graphite_sd: Share = 0.003
    """Error in place of the graphite's steps, in charge."""
    past_share: Annotated[float, Field(ge=0, le=3)] = 0.6
    """Lag that a current before the first frame may have left, as a part of what the mean current since then leaves."""
    past_c: Annotated[float, Field(ge=0, le=3)] = 0.5
    """The current before the first frame, that may have left a lag by then: its standard deviation, C-rate."""
    knee_sd: Share = 0.003
    """Error in place of the top knee, in charge."""
    eta_sd: Share = 0.01
    """Error of the overpotential, as a part of it."""
    noise_v: Annotated[float, Field(ge=0.0001, le=0.05)] = 0.001
    """White noise of a look."""
    swing_share: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Part of the overpotential's swing about its 2-minute mean that is noise."""
    scale_sd: Share = 0.12
    """Of the overpotential's scale against the type's, for a pack without a record."""
    scale_aged: Annotated[float, Field(ge=0, le=5)] = 1.0
    """By which that scale grows for each part of the graphite that was lost, and the sd of that growth."""
    scale_wander: Share = 0.095
    """By which that scale wanders in a whole charge."""
    branch_sd: Annotated[float, Field(gt=0, le=2)] = 0.6
    """Of the open-circuit voltage's branch (-1 discharge, 1 charge) of a pack that docks."""
    bias_sd_c: Share = 0.006
    """Of the BMS shunt's bias for a pack without a record, in C."""
    bias_wander_c: Share = 0.0003
    """By which the bias wanders in an hour, in C."""
    meter_noise_c: Share = 0.0005
    """Noise of a window's difference between meter and BMS, in C."""
    charge_wander: Share = 0.002
    """Error of the counted charge after a whole charge."""
    temper: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Exponent of a look's likelihood: looks are not independent."""
    huber: Annotated[float, Field(ge=1, le=10)] = 3.0
    """Beyond so many sd an innovation counts linearly."""
    fresh_charge: Annotated[float, Field(gt=0, le=0.1)] = 0.0003
    """Looks at places of the curve so far apart are two looks; of nearer ones the normaliser counts less,"""
    rest_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """but so much at least."""
    most_evidence: Annotated[float, Field(gt=0, le=100)] = 2.0
    """By which one look may favour one hypothesis over another, in log weight."""


class Limits(Section):
    """`[limits]`: what the cell may be asked for, by its mean temperature."""

    cell_low_v: Volt
    cell_high_v: Volt
    at_c: Degrees
    charge_c: Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], Field(min_length=2)]
    discharge_c: Annotated[tuple[Annotated[float, Field(ge=0, le=10)], ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        rising("at_c", self.at_c)
        for name in ("charge_c", "discharge_c"):
            if len(getattr(self, name)) != len(self.at_c):
                raise ValueError(f"{name}: {len(getattr(self, name))} values for {len(self.at_c)} temperatures")
        if self.cell_low_v >= self.cell_high_v:
            raise ValueError(f"cell_high_v: {self.cell_high_v} is not above cell_low_v")
        return self


class Health(Section):
    """`[[health]]`: what a pack with no record may be; six of them. Capacity and graphite in parts of fresh."""

    weight: Annotated[float, Field(gt=0, le=1)]
    capacity: Annotated[float, Field(ge=0.4, le=1.2)]
    sd: Annotated[float, Field(gt=0, le=0.2)]
    graphite: Annotated[float, Field(ge=0.4, le=1.0)] = 1.0
    """Active graphite that is left: without any loss the curve loses lithium only."""
    graphite_sd: Annotated[float, Field(gt=0, le=0.2)] = 0.01

    def row(self) -> tuple[float, float, float, float, float]:
        """As the kernel wants it."""
        return self.weight, self.capacity, self.sd, self.graphite, self.graphite_sd
