"""All that a station says over MQTT, by how it is said."""

from __future__ import annotations

from typing import TypeAlias

from station_ctl.uplink.alarm_parts import AlarmMessage, AlarmsMessage
from station_ctl.uplink.place_messages import BayMessage, TruckMessage
from station_ctl.uplink.record_messages import EventMessage, MetricsMessage, SwapRecord
from station_ctl.uplink.state_messages import RecoveryMessage, StateMessage

SnapshotMessage: TypeAlias = StateMessage | BayMessage | TruckMessage | AlarmsMessage | RecoveryMessage
"""What is retained: the latest counts."""
OutgoingMessage: TypeAlias = EventMessage | AlarmMessage | SwapRecord | MetricsMessage
"""What is said once, in order."""
