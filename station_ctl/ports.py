"""What the controller needs of the world. Drivers and the bench's peers fit these by shape, without importing them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

from drivers.charger_status import ChargerStatus, SetPoint
from drivers.errors import StationError
from drivers.meter_status import MeterStatus
from drivers.pack_status import PackStatus
from drivers.robot_protocol import CommandBlock, RobotStatus
from drivers.truck_status import TruckRequest, TruckStatus
from station_ctl.journal import Entry
from station_ctl.model.look import Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.words import Event
from station_ctl.uplink.admission import Admitted
from station_ctl.uplink.figures import UplinkFigures
from station_ctl.uplink.messages import OutgoingMessage, SnapshotMessage
from station_ctl.uplink.requests import Verdict


class RobotPort(Protocol):
    """The swap robot: its last status, and one write a cycle."""

    @property
    def status(self) -> RobotStatus | None:
        """The last status, None while the PLC is not readable."""

    @property
    def error(self) -> StationError | None:
        """Why there is no new status."""

    async def write(self, block: CommandBlock) -> None:
        """Write the command block once. Raises DeviceError."""


class PackPort(Protocol):
    """The packs' BMSs by source address."""

    def status(self, address: int) -> PackStatus:
        """The image of the pack at one address."""


class ChargerPort(Protocol):
    """A bay's charger: its last status, and what is wanted of it, said anew in each cycle."""

    @property
    def status(self) -> ChargerStatus | None:
        """The last status, None while the charger is not readable."""

    @property
    def error(self) -> StationError | None:
        """Why there is no new status."""

    def want(self, set_point: SetPoint, now_s: float) -> None:
        """What is wanted now; it holds for 300 ms. Raises EncodingError for a value out of range; then OFF is."""


class MeterPort(Protocol):
    """An energy meter."""

    @property
    def status(self) -> MeterStatus | None:
        """The last status, None while the meter is not readable."""

    @property
    def error(self) -> StationError | None:
        """Why there is no new status."""


class TruckPort(Protocol):
    """The swap controller of the truck in the lane."""

    request: TruckRequest

    @property
    def status(self) -> TruckStatus:
        """The image of the truck; a fresh one while none is heard."""


class UplinkPort(Protocol):
    """Who is told, and who asks. No call blocks, none raises because of the network."""

    @property
    def commands(self) -> asyncio.Queue[Admitted]:
        """Commands let in and not taken yet."""

    def state(self, message: SnapshotMessage) -> None:
        """Set a retained snapshot."""

    def emit(self, message: OutgoingMessage) -> None:
        """Say something once."""

    def answer(self, admitted: Admitted, verdict: Verdict, reason: str = "") -> None:
        """Tell a command's sender its verdict."""

    def figures(self) -> UplinkFigures:
        """How it is doing."""


class EstimatesPort(Protocol):
    """What is estimated of the packs (station_ctl.estimates)."""

    def feed(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the estimates of its packs; the same one where nothing is estimated. Does not raise."""

    def told(self, state: StationState) -> tuple[Event, ...]:
        """Events of this cycle. state: the one it ended in. Does not raise."""


class JournalPort(Protocol):
    """What survives a power cut."""

    async def append(self, entry: Entry) -> None:
        """Write one cycle's entry; on return it is on disk. Raises JournalError."""

    async def seen(self, id: str) -> str | None:
        """The verdict recorded last for a command."""

    async def record(self, id: str, verb: str, verdict_json: str, issuer: str, at: datetime) -> None:
        """Write or replace a command's verdict."""
