"""The controller of a heavy-truck battery swap station: a supervisory second layer, not a certified safety function."""

__version__ = "0.1.0"
