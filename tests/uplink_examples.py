"""One example of every message, as docs/mqtt.md shows them; and a command log in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drivers.errors import StationError
from station_ctl.uplink.messages import (
    AlarmMessage,
    AuthoriseArguments,
    AuthoriseCommand,
    BayMessage,
    EventMessage,
    ExchangePart,
    InterlockPart,
    Message,
    MetricsMessage,
    MountPart,
    PlainCommand,
    Reason,
    ReplyMessage,
    RobotPart,
    Spread,
    StateMessage,
    StatusMessage,
    SwapRecord,
    TruckMessage,
)

NOW = datetime(2026, 3, 2, 7, 5, 9, 123000, tzinfo=UTC)
VIN = "LZZ5DLSB9PW123456"

STATE = StateMessage(
    timestamp=NOW,
    sequence=7,
    packml="Held",
    mode="Production",
    step="position",
    reason=Reason(code="REPARK", text="truck stands 74 mm too far forward"),
    choices=("resume", "back_out", "abort"),
    swap_id="st1-20260302-0007",
    exchange=1,
    exchanges=2,
    progress_pct=12.5,
    robot=RobotPart(x_mm=0.0, y_mm=0.0, z_mm=1800.0, load_kg=0.0, state="READY"),
    interlock=InterlockPart(latched=False, first_out=None, active=("TRUCK_POSITION",), permits=("TRAVEL",)),
)
BAY = BayMessage(
    timestamp=NOW,
    sequence=3,
    bay=2,
    occupied="true",
    serial="CATL-00000017",
    soc_pct=96.0,
    soh_pct=98.5,
    temperature_max_c=27.0,
    link="MONITORED",
    state="stored",
)
TRUCK = TruckMessage(
    timestamp=NOW,
    sequence=4,
    present="true",
    vin=VIN,
    in_position="false",
    x_error_mm=74.0,
    y_error_mm=-3.0,
    angle_deg=0.2,
    request="NONE",
    swap_mode="false",
    hv_off="untrusted",
    self_test="IDLE",
    mounts=(
        MountPart(
            mount=1,
            serial="CATL-00000001",
            seated="true",
            locked="true",
            mated="true",
            contactor_closed="not_available",
            soc_pct=18.0,
        ),
    ),
)
EVENT = EventMessage(
    timestamp=NOW, sequence=12, code="REPARK_ASKED", severity="info", text="driver asked to re-park", details={"try": 1}
)
ALARM = AlarmMessage(
    timestamp=NOW,
    sequence=1,
    id="PLC_SILENT",
    severity="fault",
    text="the robot PLC does not answer",
    remedy="check its power and the cable to switch port 2",
    active=True,
)
RECORD = SwapRecord(
    timestamp=NOW,
    sequence=1,
    swap_id="st1-20260302-0007",
    vin=VIN,
    authorised_by="cloud",
    outcome="completed",
    exchanges=(
        ExchangePart(
            mount=1,
            bay_in=4,
            bay_out=2,
            serial_out="CATL-00000001",
            soc_out_pct=18.0,
            serial_in="CATL-00000017",
            soc_in_pct=96.0,
            accepted=True,
        ),
    ),
    started=NOW - timedelta(seconds=243.5),
    ended=NOW,
    duration_s=243.5,
    waits_s={"REPARK": 21.0},
    steps_s={"position": 33.2, "unlock": 4.1},
)
METRICS = MetricsMessage(
    timestamp=NOW,
    sequence=60,
    cycle_period_ms=Spread(p50=50.0, p99=50.9, max=52.1),
    lateness_ms=Spread(p50=0.1, p99=0.9, max=2.1),
    overruns=0,
    modbus_round_trip_ms=Spread(p50=0.8, p99=1.9, max=3.0),
    can_frames=1812,
    can_state="UP",
    queue_depths={"events": 0, "commands": 0},
    rejected_commands=2,
    counters={"can.packs.garbage": 3, "plc.timeouts": 1},
)
AUTHORISE = AuthoriseCommand(
    schema=1,
    timestamp=NOW,
    sequence=0,
    id="cloud-7f3a9c",
    issued_at=NOW,
    expires_at=NOW + timedelta(seconds=30),
    issuer="cloud",
    expected_state="Idle",
    arguments=AuthoriseArguments(vin=VIN, packs=2, soc_promised_pct=90.0),
)
HOLD = PlainCommand(
    schema=1,
    timestamp=NOW,
    sequence=0,
    id="panel-00000001",
    issued_at=NOW,
    expires_at=NOW + timedelta(seconds=10),
    issuer="panel",
)
REPLY = ReplyMessage(
    timestamp=NOW,
    sequence=2,
    id="cloud-7f3a9c",
    verb="authorise",
    verdict="rejected",
    reason="wrong_state: the station is Held, the command was meant for Idle",
    state="Held",
)
STATUS = StatusMessage(timestamp=NOW, sequence=2, online=True, version="0.1.0", boot_id="6f1c2d9a")

EXAMPLES: dict[str, Message] = {
    "status": STATUS,
    "state": STATE,
    "bay/2": BAY,
    "truck": TRUCK,
    "event": EVENT,
    "alarm/PLC_SILENT": ALARM,
    "swap": RECORD,
    "metrics": METRICS,
    "cmd/authorise": AUTHORISE,
    "cmd/hold": HOLD,
    "reply/cloud": REPLY,
}


class MemoryLog:
    """A CommandLog that forgets at the end of the test. `broken`: as a journal whose disk is full."""

    def __init__(self) -> None:
        self.verdicts: dict[str, str] = {}
        self.history: list[tuple[str, str, str]] = []
        self.broken = False

    async def seen(self, id: str) -> str | None:
        """As CommandLog.seen."""
        return self.verdicts.get(id)

    async def record(self, id: str, verb: str, verdict_json: str, issuer: str, at: datetime) -> None:
        """As CommandLog.record."""
        if self.broken:
            raise StationError("disk is full", where="journal.db")
        self.verdicts[id] = verdict_json
        self.history.append((id, verb, verdict_json))
