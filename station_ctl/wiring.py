"""The composition root: the only room that makes drivers and hands them to the controller; nothing is started here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drivers import registers
from drivers.can_frame import CanLink
from drivers.modbus import ModbusClient
from drivers.mqtt_values import Endpoint, check_ca_file, read_password
from drivers.packs import PackBus
from drivers.robot import Robot
from drivers.robot_protocol import RobotStatus
from drivers.systemd import Notifier
from drivers.truck import TruckLink
from station_ctl import __version__
from station_ctl.alarms import catalogue
from station_ctl.annunciator import Annunciator
from station_ctl.blackbox.box import BlackBox
from station_ctl.config import Config
from station_ctl.deciders import Deciders
from station_ctl.equipment import Equipment
from station_ctl.estimates.records import Records
from station_ctl.estimates.station import NO_ESTIMATES, Estimates, NoEstimates
from station_ctl.journal import Journal
from station_ctl.metrics import Sources
from station_ctl.model.state import StationState
from station_ctl.plant import Plant
from station_ctl.report import Reporter
from station_ctl.runner import Runner
from station_ctl.soc import cell_type
from station_ctl.swap.doorkeeper import Doorkeeper
from station_ctl.uplink.roles import Roles
from station_ctl.uplink.uplink import Uplink
from station_ctl.watchdog import Watchdog
from station_ctl.wires import Wires


@dataclass(slots=True)
class Service:
    """One station's service, wired but not started."""

    config: Config
    journal: Journal
    client: ModbusClient
    robot: Robot
    buses: dict[str, CanLink]
    packs: PackBus
    truck: TruckLink
    uplink: Uplink
    notifier: Notifier
    runner: Runner
    blackbox: BlackBox
    equipment: Equipment
    estimates: Estimates | NoEstimates


def build(config: Config, journal: Journal, state: StationState, notifier: Notifier, wires: Wires) -> Service:
    """Wire one station. Raises StationError for a register map, cause table or alarm catalogue that cannot be used."""
    client = _client(config)
    runners: list[Runner] = []  # drivers wake the runner, the runner reads the drivers
    wake = _Wake(runners)
    register_map = registers.load(config.robot.register_map)
    doorkeeper = Doorkeeper(config.safety.plc_age_ms / 1000)

    def keep(status: RobotStatus) -> None:
        doorkeeper.look(status, _now_s())

    robot = Robot(client, register_map, poll_s=config.robot.poll_ms / 1000, on_danger=wake, on_status=keep)
    buses = {c.name: wires.can(c) for c in config.can}
    packs, truck = _packs(config, buses, wake), _truck(config, buses, wake)
    uplink = _uplink(config, journal, wires)
    equipment = Equipment.of(config)
    deciders = Deciders.of(config)
    blackbox = BlackBox(config, deciders, wires.worker())
    estimates = _estimates(config, wires)
    plant = Plant(
        robot,
        packs,
        truck,
        uplink,
        journal,
        lambda: {n: b.state.name for n, b in buses.items()},
        _now_s,
        doorkeeper,
        lambda: blackbox.trouble,
        equipment.chargers,
        equipment.meters,
        equipment.grid,
        estimates,
    )
    sources = Sources(client, robot, buses, packs, truck, uplink, blackbox, equipment, estimates)
    alarms = Annunciator(config, catalogue.load(), journal.alarms)
    reporter = Reporter(config, uplink, lambda: sources.message(runners[0].health, alarms.figures(_now_s())), alarms)
    runner = Runner(config, deciders, plant, reporter, state, Watchdog(notifier).healthy)
    runner.on_end = blackbox.cycle
    runners.append(runner)
    return Service(
        config, journal, client, robot, buses, packs, truck, uplink, notifier, runner, blackbox, equipment, estimates
    )


def _client(config: Config) -> ModbusClient:
    """The connection to the robot's PLC."""
    robot = config.robot
    return ModbusClient(
        robot.host, robot.port, device_id=robot.device_id, timeout_s=robot.timeout_ms / 1000, name="robot PLC"
    )


def _packs(config: Config, buses: Mapping[str, CanLink], wake: _Wake) -> PackBus:
    return PackBus(
        buses[config.packs.bus],
        [*(b.can_address for b in config.bay), *(m.can_address for m in config.mount)],
        station_address=config.packs.station_address,
        on_danger=wake,
        others=(config.truck.address,),
    )


def _truck(config: Config, buses: Mapping[str, CanLink], wake: _Wake) -> TruckLink:
    return TruckLink(
        buses[config.truck.bus],
        address=config.truck.address,
        station_address=config.packs.station_address,
        on_danger=wake,
    )


def _uplink(config: Config, journal: Journal, wires: Wires) -> Uplink:
    return Uplink(
        config.station.id,
        _endpoint(config),
        journal,
        version=__version__,
        boot_id=wires.boot_id,
        roles=Roles.trusted(config.issuer),
        session=wires.session,
    )


def _estimates(config: Config, wires: Wires) -> Estimates | NoEstimates:
    """The charge estimator, if the station names a pack type. Raises TypeFileError for one that cannot be used."""
    if not config.soc.type:
        return NO_ESTIMATES
    of = cell_type.load(config.soc.type)
    folder = Path(config.soc.records) if config.soc.records else Path(config.station.journal).parent / "soc"
    return Estimates(config, of, Records(folder, of.name, wires.worker()))


@dataclass(frozen=True, slots=True)
class _Wake:
    runners: list[Runner]

    def __call__(self) -> None:
        for runner in self.runners:
            runner.wake()


def _endpoint(config: Config) -> Endpoint:
    mqtt = config.mqtt
    password = read_password(mqtt.password_file)
    check_ca_file(mqtt.tls_ca_file)
    return Endpoint(mqtt.host, mqtt.port, mqtt.username, password, mqtt.tls_ca_file, mqtt.keepalive_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
