"""The truck cell as a porous electrode: the truth of runs on which the estimator is judged. Needs PyBaMM."""

import os

os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"  # before it is imported: nothing is told to anybody
