"""State of a CAN bus, and of its controller as the kernel's error frames tell it (linux/can/error.h)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from drivers.errors import DeviceError

_CONTROLLER = 0x004  # CAN_ERR_CRTL: data[1] holds the controller's status
_BUS_OFF = 0x040  # CAN_ERR_BUSOFF
_RESTARTED = 0x100  # CAN_ERR_RESTARTED
_PASSIVE = 0x10 | 0x20  # CAN_ERR_CRTL_RX_PASSIVE, CAN_ERR_CRTL_TX_PASSIVE
_BELOW_PASSIVE = 0x04 | 0x08 | 0x40  # CAN_ERR_CRTL_RX_WARNING, CAN_ERR_CRTL_TX_WARNING, CAN_ERR_CRTL_ACTIVE


class BusError(DeviceError):
    """A frame could not be sent. Retry with the message's next period."""


class BusState(Enum):
    """What the bus is good for.

    DOWN: not open (no such interface, or it was taken down). SILENT: open, nothing heard for a while. ERROR_PASSIVE and
    BUS_OFF: the controller's own fault confinement (ISO 11898-1).
    """

    DOWN = "down"
    UP = "up"
    SILENT = "silent"
    ERROR_PASSIVE = "error_passive"
    BUS_OFF = "bus_off"


@dataclass(slots=True)
class BusCounters:
    """Totals since the process began.

    rejected: standard id, remote or FD frames; garbage: reads that gave no frame; reopened: attempts to open it again;
    restarts: of the interface after bus-off, by this process.
    """

    frames_received: int = 0
    frames_sent: int = 0
    error_frames: int = 0
    rejected: int = 0
    garbage: int = 0
    transmit_full: int = 0
    reopened: int = 0
    restarts: int = 0


class ControllerState(Enum):
    """Fault confinement state of ISO 11898-1."""

    ACTIVE = "active"
    PASSIVE = "passive"
    BUS_OFF = "bus_off"


def after_error_frame(state: ControllerState, error_class: int, data: bytes) -> ControllerState:
    """The controller's state after an error frame with these class bits and data bytes.

    A controller in bus-off stays there until it is restarted; any later sign of life shows that it was.
    """
    if error_class & _BUS_OFF:
        return ControllerState.BUS_OFF
    if error_class & _RESTARTED:
        return ControllerState.ACTIVE
    status = data[1] if error_class & _CONTROLLER and len(data) > 1 else 0
    if status & _PASSIVE:
        return ControllerState.PASSIVE
    return ControllerState.ACTIVE if status & _BELOW_PASSIVE else state


def after_data_frame(state: ControllerState) -> ControllerState:
    """The controller's state after a frame was received: in bus-off it could not have been."""
    return ControllerState.ACTIVE if state is ControllerState.BUS_OFF else state
