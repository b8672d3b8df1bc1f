"""Faults of the Modbus wire and of the CAN buses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hil.faults.model import Address, Count, Delay, FaultModel, Frames, OfNode, OnCan, Rate


class ModbusDelay(Frames):
    """Frames of a direction come late by delay_ms and up to jitter_ms more; the order is kept, as TCP keeps it."""

    kind: Literal["modbus.delay"] = "modbus.delay"
    delay_ms: Delay
    jitter_ms: Delay = 0.0
    direction: Literal["requests", "replies"] = "replies"


class ModbusDropRequests(Frames):
    """Requests are lost: the PLC never sees them."""

    kind: Literal["modbus.drop_requests"] = "modbus.drop_requests"


class ModbusDropReplies(Frames):
    """Answers are lost: the PLC has done what was asked."""

    kind: Literal["modbus.drop_replies"] = "modbus.drop_replies"


class ModbusDuplicate(Frames):
    """Frames of a direction arrive twice."""

    kind: Literal["modbus.duplicate"] = "modbus.duplicate"
    direction: Literal["requests", "replies"] = "requests"


class ModbusException(Frames):
    """Requests are answered with an exception code (Modbus application protocol 1.1b3, 7); the PLC never sees them."""

    kind: Literal["modbus.exception"] = "modbus.exception"
    code: int = Field(6, ge=1, le=11)


class ModbusStale(FaultModel):
    """Status answers go on, their content stands still. heartbeat_runs: all but the heartbeat does."""

    kind: Literal["modbus.stale"] = "modbus.stale"
    heartbeat_runs: bool = False


class ModbusFlipBits(Frames):
    """Bits of a block turn over on the way.

    block: the command's registers (its checksum tells) or the status' (nothing does). signals: of a two-bit signal
    `doubted` turns only TRUE and FALSE into what is no statement; `any` may turn FALSE into TRUE.
    """

    kind: Literal["modbus.flip_bits"] = "modbus.flip_bits"
    block: Literal["command", "status"] = "command"
    bits: int = Field(1, ge=1, le=16)
    signals: Literal["doubted", "any"] = "doubted"


class ModbusHalfOpen(FaultModel):
    """The connection stands and nothing comes through it, either way."""

    kind: Literal["modbus.half_open"] = "modbus.half_open"


class ModbusCut(FaultModel):
    """The connection is reset: at the next frame that rate and count hit.

    At rate 1 without a count the cable is off: no connection can be made until it is healed.
    """

    kind: Literal["modbus.cut"] = "modbus.cut"
    rate: Rate = 1.0
    count: Count | None = None


class ModbusLyingEcho(FaultModel):
    """The echo says of each new command what is not so. withheld: the PLC does not get the command.

    STOP is never withheld, nor are heartbeat, lease, permits and stop category of any block.
    """

    kind: Literal["modbus.lying_echo"] = "modbus.lying_echo"
    says: Literal["accepted", "executing", "done"] = "done"
    withheld: bool = True


class ModbusNoise(FaultModel):
    """A bad line: all of the small faults at once, each with its chance for each frame; exceptions are 6, busy."""

    kind: Literal["modbus.noise"] = "modbus.noise"
    drop_request_rate: Rate = 0.0
    drop_reply_rate: Rate = 0.0
    exception_rate: Rate = 0.0
    cut_rate: Rate = 0.0
    delay_rate: Rate = 0.0
    delay_min_ms: Delay = 0.0
    delay_max_ms: Delay = 0.0


class CanLoss(OfNode):
    """Frames are lost: what nodes send, or what they hear of the station."""

    kind: Literal["can.loss"] = "can.loss"
    direction: Literal["from_nodes", "to_nodes"] = "from_nodes"


class CanStuckCounter(OfNode):
    """Rolling counters (PMS, TSC1) stand still, values go on."""

    kind: Literal["can.stuck_counter"] = "can.stuck_counter"


class CanFrozen(OfNode):
    """Values stand still, rolling counters go on; multi-packet messages too."""

    kind: Literal["can.frozen"] = "can.frozen"


class CanWrongDlc(OfNode):
    """Messages of one frame have so many bytes; filled up with 0xFF. The transport protocol's frames are spared."""

    kind: Literal["can.wrong_dlc"] = "can.wrong_dlc"
    length_bytes: int = Field(3, ge=0, le=8)


class CanUntrusted(OfNode):
    """Two-bit statuses say 10, error (SAE J1939-71)."""

    kind: Literal["can.untrusted"] = "can.untrusted"


class CanBabble(OnCan):
    """A node at `source` floods the bus at the highest priority. pgn: of what it sends; None: manufacturers' own."""

    kind: Literal["can.babble"] = "can.babble"
    source: Address = 0xFD
    frames_per_s: float = Field(1000.0, ge=1, le=8000)
    pgn: int | None = Field(None, ge=0xF000, le=0xFFFF)


class CanBusOff(OnCan):
    """The controller's CAN device has gone bus-off: it neither sends nor hears."""

    kind: Literal["can.bus_off"] = "can.bus_off"


class CanBusDown(OnCan):
    """The interface is down: it cannot be opened."""

    kind: Literal["can.bus_down"] = "can.bus_down"


class CanConflict(OnCan):
    """A second pack answers at an address that is taken."""

    kind: Literal["can.conflict"] = "can.conflict"
    address: Address
    serial: str = Field("DUPL-00000666", pattern=r"^[A-Z0-9]{4}-[0-9]{8}$")
    soc_pct: float = Field(55.0, ge=0, le=100)


class CanBrokenTransport(OfNode):
    """Multi-packet messages break: a packet missing, packets in another order, or the session aborted by its sender."""

    kind: Literal["can.broken_transport"] = "can.broken_transport"
    how: Literal["missing", "reordered", "aborted"] = "missing"
