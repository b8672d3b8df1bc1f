"""Sections of station.toml: each key with its bounds and its meaning. Units are the last part of a key's name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Host = Annotated[str, Field(min_length=1, max_length=253)]


Port = Annotated[int, Field(ge=1, le=65535)]


SourceAddress = Annotated[int, Field(ge=0, le=253)]


class Section(BaseModel):
    """Common rules of all sections."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StationSection(Section):
    """`[station]`: who this station is and where it keeps its journal."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="Name in MQTT topics; no spaces, none of + # / $.")
    journal: str = Field("/var/lib/station-ctl/journal.db", description="SQLite file that survives power cuts.")
    period_ms: int = Field(50, ge=10, le=100, description="Period of the control cycle.")


class RobotSection(Section):
    """`[robot]`: the swap robot's PLC on Modbus/TCP."""

    host: Host = Field(description="Address of the PLC.")
    port: Port = Field(502, description="Modbus/TCP port of the PLC.")
    device_id: int = Field(1, ge=0, le=255, description="Modbus unit id of the PLC.")
    register_map: str = Field("robot-plc-v2", description="Register map: a shipped name, or a path ending in .toml.")
    poll_ms: int = Field(20, ge=5, le=50, description="How often the status block is read.")
    timeout_ms: int = Field(100, ge=20, le=250, description="How long one Modbus answer is waited for.")
    lease_ms: int = Field(500, ge=100, le=500, description="How long the PLC moves without being re-armed.")


class CanSection(Section):
    """`[[can]]`: one CAN bus."""

    name: str = Field(pattern=r"^[a-z0-9_-]{1,16}$", description="Name that [packs] and [truck] refer to.")
    interface: Literal["socketcan", "udp_multicast"] = Field("socketcan", description="python-can interface.")
    channel: str = Field("can0", min_length=1, description="Interface name, or the multicast group.")
    port: Port | None = Field(None, description="UDP port; only for udp_multicast.")
    silent_after_ms: int = Field(1000, ge=100, le=10000, description="No frame for so long: the bus is silent.")
    bitrate_kbit: int = Field(250, ge=10, le=1000, description="An interface with another bit rate is not opened.")
    restart_ms: int = Field(
        1000, ge=100, le=60000, description="So long in bus-off, then we restart it, if the kernel does not."
    )


class PacksSection(Section):
    """`[packs]`: how pack BMSs are reached."""

    bus: str = Field("packs", description="Name of the [[can]] bus.")
    station_address: SourceAddress = Field(0x56, description="Our source address; 86 (0x56) is GB/T 27930's charger.")


class TruckSection(Section):
    """`[truck]`: how the truck's swap controller is reached."""

    bus: str = Field("packs", description="Name of the [[can]] bus.")
    address: SourceAddress = Field(0x27, description="Source address of the truck's swap controller.")


class MeterSection(Section):
    """An energy meter on Modbus/TCP, in one line: `{ host = "192.0.2.30", unit = 2 }`."""

    host: Host = Field(description="Address of the meter, or of its gateway.")
    port: Port = Field(502, description="Modbus/TCP port.")
    unit: int = Field(1, ge=0, le=255, description="Modbus unit id; several units of one host share a connection.")
    map: str = Field("meter-v1", description="Register map: a shipped name, or a path ending in .toml.")


class ChargerSection(Section):
    """A bay's charger on Modbus/TCP, in one line: `{ host = "192.0.2.20", unit = 1 }`."""

    host: Host = Field(description="Address of the charger, or of its gateway.")
    port: Port = Field(502, description="Modbus/TCP port.")
    unit: int = Field(1, ge=0, le=255, description="Modbus unit id; several units of one host share a connection.")
    map: str = Field("charger-v1", description="Register map: a shipped name, or a path ending in .toml.")
    power_kw: float = Field(260.0, gt=0, le=1000, description="What it draws from the grid at most.")


class BaySection(Section):
    """`[[bay]]`: one place that stores and charges a pack."""

    number: int = Field(ge=1, le=24, description="Bay number, as the PLC counts.")
    can_address: SourceAddress = Field(description="Source address that the connector codes for a pack here.")
    isolation: bool = Field(False, description="True: the isolation area; never used in an ordinary swap.")
    charger: ChargerSection | None = Field(
        None, description="Its charger: host, port, unit, map, power_kw in braces; none: it follows the BMS by itself."
    )
    meter: MeterSection | None = Field(None, description="Its DC energy meter: host, port, unit, map in braces.")


class MountSection(Section):
    """`[[mount]]`: one place for a pack on a truck."""

    number: int = Field(ge=1, le=3, description="Mount number, 1 nearest to the cab.")
    can_address: SourceAddress = Field(description="Source address that the connector codes for a pack here.")


class MqttSection(Section):
    """`[mqtt]`: the broker that carries state, events and commands."""

    host: Host = Field("127.0.0.1", description="Address of the MQTT 5 broker.")
    port: Port = Field(1883, description="Port of the broker.")
    username: str | None = Field(None, description="User name, if the broker asks for one.")
    password_file: str | None = Field(None, description="File that holds the password.")
    tls_ca_file: str | None = Field(None, description="Certificate authority; set: the connection is TLS.")
    keepalive_s: int = Field(10, ge=2, le=120, description="MQTT keep-alive.")


class IssuerSection(Section):
    """`[[issuer]]`: what senders of commands are trusted with; who matches none is an operator."""

    name: str = Field(min_length=1, max_length=64, description="Issuer of commands; * and ? as in a shell.")
    roles: tuple[Literal["operator", "supervisor", "service"], ...] = Field(
        strict=False, description="operator, supervisor (release a truck, end a swap), service (move in Manual)."
    )


class SwapSection(Section):
    """`[swap]`: how a swap is done."""

    soc_promised_pct: float = Field(80.0, ge=0, le=100, description="No pack under this charge is handed out.")
    soc_confidence_pct: float = Field(
        95.0, ge=50, le=99.9, description="A pack whose estimate is anchored holds the promise with this probability."
    )
    authorisation_valid_s: float = Field(
        3600.0, ge=60, le=86400, description="An authorisation that no truck has used by then lapses."
    )
    repark_attempts: int = Field(3, ge=0, le=10, description="How often the driver is asked to re-park before Held.")
    permit_grace_s: float = Field(1.0, ge=0, le=5, description="A refused order is asked again for so long, then Held.")
    isolate_timeout_s: float = Field(30.0, ge=1, le=120, description="Wait for high voltage off before Held.")
    handshake_timeout_s: float = Field(15.0, ge=1, le=120, description="Wait for a docked pack's BMS before Held.")
    self_test_timeout_s: float = Field(60.0, ge=1, le=300, description="Wait for the truck's self-test before Held.")
    motion_timeout_s: float = Field(120.0, ge=1, le=600, description="Wait for one robot motion before Held.")
    depart_timeout_s: float = Field(600.0, ge=5, le=3600, description="Wait for the truck to leave before a reminder.")
    pack_data_age_s: float = Field(2.0, ge=0.2, le=10, description="A pack with older data is not chosen.")


class SocSection(Section):
    """`[soc]`: the charge estimator."""

    type: str = Field("", description="Pack type: a shipped name, or a path ending in .toml; empty: no estimator.")
    records: str = Field("", description="Folder of the packs' records; empty: `soc` beside the journal.")
    drive_kw: float = Field(100.0, gt=0, le=1000, description="Steady power that deliverable energy is told for.")


class BlackboxSection(Section):
    """`[blackbox]`: the last minutes at cycle rate, kept in files when something trips."""

    folder: str = Field("", description="Where the files go; empty: `blackbox` beside the journal.")
    minutes: float = Field(5.0, ge=0.5, le=30, description="How much of the past is kept.")
    files: int = Field(20, ge=1, le=1000, description="So many files stay; the oldest goes first.")
    size_mb: float = Field(200.0, ge=10, le=10000, description="All files together take no more than this.")


class ChargingSection(Section):
    """`[charging]`: which bays charge, and how far."""

    target_soc_pct: float = Field(95.0, ge=50, le=100, description="Packs are charged up to here.")
    bays_at_once: int = Field(8, ge=0, le=24, description="Most bays that charge at a time; 0: none ever.")
    lease_ms: int = Field(500, ge=200, le=500, description="How long the PLC keeps a supply closed without re-arming.")
    cut_off_c: float = Field(0.05, ge=0.01, le=0.2, description="Balancing current at most, in capacities per hour.")
    balance_min: float = Field(10.0, ge=0, le=120, description="Longest balancing at the end of a charge; 0: none.")
    balance_spread_mv: float = Field(30.0, ge=5, le=500, description="Cells that differ by more are balanced.")
    warming_kw: float = Field(10.0, ge=0, le=50, description="Power to warm a pack that is too cold; 0: none is.")


class GridSection(Section):
    """`[grid]`: the connection point, and what the bays' chargers may draw from it."""

    limit_kw: float | None = Field(
        None, gt=0, le=100000, description="Never more than this is drawn; needed as soon as a bay has a charger."
    )
    reserve_kw: float = Field(75.0, ge=0, le=10000, description="Kept for all but the chargers: robot, cooling, light.")
    step_kw: float = Field(
        40.0, ge=0, le=10000, description="With a meter: the other loads rise by no more than this within seconds."
    )
    meter: MeterSection | None = Field(None, description="The grid meter: host, port, unit, map in braces.")
