"""One example of every message, as docs/mqtt.md shows them; and a command log in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drivers.errors import StationError
from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmPart, AlarmsMessage
from station_ctl.uplink.arguments import (
    AlarmArguments,
    AuthoriseArguments,
    ChargePlanArguments,
    EvacuateArguments,
    JogArguments,
    OutOfServiceArguments,
    ShelveArguments,
    StepArguments,
)
from station_ctl.uplink.message import Message
from station_ctl.uplink.place_messages import BayMessage, MountPart, TruckMessage
from station_ctl.uplink.record_messages import (
    ChargePart,
    EventMessage,
    ExchangePart,
    MetricsMessage,
    Spread,
    SwapRecord,
)
from station_ctl.uplink.requests import (
    AlarmCommand,
    AuthoriseCommand,
    ChargePlanCommand,
    EvacuateCommand,
    JogCommand,
    OutOfServiceCommand,
    PlainCommand,
    ReplyMessage,
    ShelveCommand,
    StepCommand,
)
from station_ctl.uplink.state_messages import (
    InterlockPart,
    Reason,
    RecoveryMessage,
    RobotPart,
    StateMessage,
    StatusMessage,
    WherePart,
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
    energised="true",
    charging="charging",
    current_a=302.0,
    power_kw=179.4,
    phase="charging",
    limited_by="grid",
    set_current_a=305.0,
    charged_kwh=88.41,
    soc_estimate_pct=95.12,
    soc_p05_pct=94.31,
    soc_p95_pct=95.88,
    capacity_ah=294.6,
    energy_kwh=157.2,
    p_promised_pct=100.0,
    soc_reason="anchored",
    bms_soc_wrong=False,
)
RECOVERY = RecoveryMessage(
    timestamp=NOW,
    sequence=5,
    kind="fault",
    where=(
        WherePart(place="bay 1", says="named", serial="CATL-00000017"),
        WherePart(place="mount 1", says="empty"),
        WherePart(place="gripper", says="empty"),
    ),
    under_way="carry_to_bay: swap st1-20260302-0007 of truck LZZ5DLSB9PW123456, mount 1: CATL-00000001 out to bay 2",
    choices="put right what contradicts, by hand or in Manual; or end the swap",
    contradictions=("journal: the robot holds CATL-00000001; measured: its gripper is empty, nowhere says who it is",),
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
ALARM_PART = AlarmPart(
    id="pack.temperature:bay-3",
    code="pack.temperature",
    priority="low",
    alarm_class="process",
    state="shelved",
    active=False,
    first_out=False,
    text="a pack is hot (bay 3)",
    value=57.5,
    limit=55.0,
    unit="degC",
    cause="charging, weather or a cooling circuit that does not work",
    consequence="the pack becomes useless for a swap and ages faster",
    remedy="check the cooling of the bay; let the pack rest",
    reaction="at the limit itself (5 degC higher) the pack is not handed out",
    raised_at=NOW - timedelta(minutes=9),
    cleared_at=None,
    acked_at=NOW - timedelta(minutes=8),
    acked_by="panel",
    shelved_until=NOW + timedelta(minutes=60),
    shelved_by="panel",
    suppressed_by=None,
    out_of_service_by=None,
)
ALARM = AlarmMessage(timestamp=NOW, sequence=1, trigger="shelve", by="panel", **ALARM_PART.__dict__)
ALARMS = AlarmsMessage(
    timestamp=NOW,
    sequence=5,
    alarms=(ALARM_PART,),
    flood=False,
    first_out=None,
    collected=(),
    figures={"active": 0, "shelved": 1, "announced_in_10_min": 1},
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
            arrival_provisional=ChargePart(
                soc_pct=16.4, soc_p05_pct=12.1, soc_p95_pct=21.9, reason="plateau", energy_kwh=21.7
            ),
            outgoing=ChargePart(
                soc_pct=95.12, soc_p05_pct=94.31, soc_p95_pct=95.88, reason="anchored", energy_kwh=157.2
            ),
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
    alarms={"active": 0, "shelved": 1, "announced_in_10_min": 1},
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
_ASKED = {"timestamp": NOW, "issued_at": NOW, "expires_at": NOW + timedelta(seconds=10), "issuer": "panel"}
ACK = AlarmCommand(schema=1, id="panel-00000002", arguments=AlarmArguments(alarm="smoke.bay:bay-2"), **_ASKED)
SHELVE = ShelveCommand(
    schema=1,
    id="panel-00000003",
    arguments=ShelveArguments(alarm="pack.temperature:bay-3", minutes=60.0),
    **_ASKED,
)
OUT_OF_SERVICE = OutOfServiceCommand(
    schema=1,
    id="panel-00000004",
    arguments=OutOfServiceArguments(alarm="smoke.detector:bay-2", why="detector is being replaced"),
    **_ASKED,
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

EVACUATE = EvacuateCommand(schema=1, id="panel-00000005", arguments=EvacuateArguments(bay=3), **_ASKED)
REPARK = PlainCommand(schema=1, id="panel-00000006", **_ASKED)
RELEASE_TRUCK = PlainCommand(schema=1, id="panel-00000007", **_ASKED)
_AT_ONCE = {**_ASKED, "expires_at": NOW + timedelta(seconds=5)}
STEP = StepCommand(
    schema=1,
    id="panel-00000008",
    expected_state="Held",
    arguments=StepArguments(motion="unlock", mount=1),
    **_AT_ONCE,
)
JOG = JogCommand(schema=1, id="panel-00000009", expected_state="Stopped", arguments=JogArguments(dx_mm=120), **_AT_ONCE)
CHARGE_PLAN = ChargePlanCommand(
    schema=1,
    id="planner-0000010",
    arguments=ChargePlanArguments(
        id="night-1", slot_s=900.0, power_w={"1": (0.0, 240000.0), "2": (240000.0, 120000.0)}
    ),
    **_ASKED,
)

EXAMPLES: dict[str, Message] = {
    "status": STATUS,
    "state": STATE,
    "bay/2": BAY,
    "recovery": RECOVERY,
    "truck": TRUCK,
    "event": EVENT,
    "alarm/pack.temperature:bay-3": ALARM,
    "alarms": ALARMS,
    "swap": RECORD,
    "metrics": METRICS,
    "cmd/authorise": AUTHORISE,
    "cmd/hold": HOLD,
    "cmd/evacuate": EVACUATE,
    "cmd/repark": REPARK,
    "cmd/release_truck": RELEASE_TRUCK,
    "cmd/step": STEP,
    "cmd/jog": JOG,
    "cmd/charge_plan": CHARGE_PLAN,
    "cmd/ack": ACK,
    "cmd/shelve": SHELVE,
    "cmd/out_of_service": OUT_OF_SERVICE,
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
