"""The figures that the station publishes of itself once a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from drivers.can_frame import CanLink
from drivers.can_state import BusState
from drivers.modbus import ModbusClient
from drivers.packs import PackBus
from drivers.robot import Robot
from drivers.truck import TruckLink
from station_ctl.blackbox.box import BlackBox
from station_ctl.equipment import Equipment
from station_ctl.estimates.station import Estimates, NoEstimates
from station_ctl.health import Health
from station_ctl.stats import Distribution
from station_ctl.uplink.record_messages import MetricsMessage, Spread
from station_ctl.uplink.uplink import Uplink


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from."""

    client: ModbusClient
    robot: Robot
    buses: Mapping[str, CanLink]
    packs: PackBus
    truck: TruckLink
    uplink: Uplink
    blackbox: BlackBox
    equipment: Equipment
    estimates: Estimates | NoEstimates

    def message(self, health: Health, alarms: Mapping[str, int]) -> MetricsMessage:
        """All figures as they stand now. alarms: as the annunciator counts them."""
        trip = self.client.stats.round_trip()
        poor = [bus.state.name for bus in self.buses.values() if bus.state is not BusState.UP]
        return MetricsMessage(
            cycle_period_ms=spread(health.period),
            lateness_ms=spread(health.lateness),
            overruns=health.overruns,
            modbus_round_trip_ms=Spread(p50=trip.p50_ms, p99=trip.p99_ms, max=trip.max_ms)
            if trip
            else Spread(p50=0, p99=0, max=0),
            can_frames=sum(bus.counters.frames_received for bus in self.buses.values()),
            can_state=poor[0] if poor else BusState.UP.name,
            queue_depths=self.uplink.queue_depths(),
            rejected_commands=self.uplink.rejected_commands,
            counters=self._counters(health),
            alarms=dict(alarms),
        )

    def _counters(self, health: Health) -> dict[str, int]:
        """What went wrong or was dropped since the start, by where and what; counts of 0 are left out."""
        stats = self.client.stats
        counts = {
            "cycle.failed": health.failed_cycles,
            "cycle.failed_writes": health.failed_writes,
            "cycle.unsaid_set_points": health.unsaid,
            "plc.timeouts": stats.timeouts,
            "plc.refused": stats.refused,
            "plc.garbage": stats.garbage,
            "plc.link_losses": stats.link_losses,
            "plc.bad_data": self.robot.bad_data,
            "packs.handshake_timeouts": self.packs.handshake_timeouts,
            "soc.off": int(self.estimates.off),
            "soc.failed_records": self.estimates.failed,
            "blackbox.failed_writes": self.blackbox.counters.failed,
            "blackbox.lost_cycles": self.blackbox.lost,
            "blackbox.unpacked_chunks": self.blackbox.counters.unpacked,
        }
        for name, bus in self.buses.items():
            counts |= {
                f"can.{name}.{key}": n for key, n in asdict(bus.counters).items() if not key.startswith("frames")
            }
        for name, found in (("packs", self.packs.counters), ("truck", self.truck.counters)):
            counts |= {f"{name}.{key}": n for key, n in asdict(found).items() if key != "messages"}
        counts |= {f"chargers.{key}": n for key, n in self.equipment.counters().items()}
        counts |= {f"uplink.{key}": n for key, n in self.uplink.counters().items()}
        return {key: n for key, n in counts.items() if n}


def spread(distribution: Distribution) -> Spread:
    """p50, p99 and maximum of a distribution, in ms."""
    p50, p99 = distribution.quantile_ms(0.5), distribution.quantile_ms(0.99)
    return Spread(p50=p50, p99=p99, max=distribution.max_ms)
