"""What the station says, and when: snapshots, events, alarms, swap records and metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from station_ctl import whereabouts
from station_ctl.alarms import catalogue
from station_ctl.annunciator import Annunciator
from station_ctl.config import Config
from station_ctl.model.charge_estimate import ChargeSpan
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.model.visit import Swap
from station_ctl.model.words import Event
from station_ctl.place_snapshots import bay_message, truck_message
from station_ctl.ports import UplinkPort
from station_ctl.state_snapshot import state_message
from station_ctl.stopped import Stopped
from station_ctl.uplink import message
from station_ctl.uplink.record_messages import ChargePart, EventMessage, ExchangePart, MetricsMessage, SwapRecord
from station_ctl.uplink.state_messages import StoppedPart
from station_ctl.wall_clock import utc_now

log = logging.getLogger(__name__)

POSITION_S = 0.5
"""How often the robot's position alone makes a new state message."""
SLOW_S = 1.0
"""How often bays, truck and metrics are looked at."""

_SEVERITIES = get_args(message.Severity)


@dataclass(slots=True)
class Timekeeper:
    """Where the time of the open swap went, by step and by reason to wait; in seconds."""

    steps_s: dict[str, float] = field(default_factory=dict)
    waits_s: dict[str, float] = field(default_factory=dict)
    began_s: float | None = None
    last_s: float | None = None

    def add(self, state: StationState, now_s: float) -> None:
        """Account for the time since the last call."""
        if state.swap is None:
            self.steps_s, self.waits_s, self.began_s, self.last_s = {}, {}, None, None
            return
        if self.began_s is None:
            self.began_s = now_s
        past_s = now_s - (self.last_s if self.last_s is not None else now_s)
        self.last_s = now_s
        self.steps_s[state.step] = self.steps_s.get(state.step, 0.0) + past_s
        if state.reason is not None:
            self.waits_s[state.reason.code] = self.waits_s.get(state.reason.code, 0.0) + past_s


class Reporter:
    """Turns cycles into messages; `metrics` makes the 1 Hz figures. alarms: steps before the journal, tells here."""

    def __init__(
        self,
        config: Config,
        uplink: UplinkPort,
        metrics: Callable[[], MetricsMessage],
        alarms: Annunciator | None = None,
    ) -> None:
        """alarms: by default those of the shipped catalogue, with nothing remembered."""
        self.alarms = alarms or Annunciator(config, catalogue.load())
        self._config = config
        self._uplink = uplink
        self._metrics = metrics
        self._time = Timekeeper()
        self._stopped = Stopped()
        self._key: tuple[object, ...] = ()
        self._told_s = self._slow_s = float("-inf")

    def report(
        self,
        state: StationState,
        snapshot: Snapshot,
        decision: Decision,
        events: Iterable[Event],
        finished: Swap | None,
    ) -> None:
        """Say what one cycle brought."""
        now_s = snapshot.now_s
        if why := self._stopped.look(state, decision, utc_now()):
            log.warning("stopped by %s", why)
        if finished is not None:
            self._uplink.emit(swap_record(finished, self._time, now_s))
        self._time.add(state, now_s)
        for event in events:
            self._uplink.emit(_event(event))
        self.alarms.tell(self._uplink, now_s)
        key = (state.packml, state.step, state.reason, decision.latched, decision.first_out, tuple(decision.active))
        if key != self._key or now_s - self._told_s >= POSITION_S:
            self._key, self._told_s = key, now_s
            message = state_message(state, snapshot, decision, self._config)
            self._uplink.state(message.model_copy(update={"stopped": _stopped(self._stopped)}))
            self._uplink.state(whereabouts.recovery(state, snapshot, self._config))
        if now_s - self._slow_s >= SLOW_S:
            self._slow_s = now_s
            self._slow(state, snapshot, decision)

    def _slow(self, state: StationState, snapshot: Snapshot, decision: Decision) -> None:
        for section in self._config.bay:
            wanted = decision.set_points.get(section.number)
            self._uplink.state(bay_message(section.number, section.isolation, state, snapshot, self._config, wanted))
        numbers = [section.number for section in self._config.mount]
        self._uplink.state(truck_message(numbers, state, snapshot))
        self._uplink.emit(self._metrics())


def _stopped(stopped: Stopped) -> StoppedPart | None:
    return None if stopped.since is None else StoppedPart(by=stopped.by, since=stopped.since)


def _event(event: Event) -> EventMessage:
    severity = event.severity if event.severity in _SEVERITIES else "fault"
    return EventMessage(code=event.code, severity=severity, text=event.text, details=dict(event.details))  # type: ignore[arg-type]


def _charge(span: ChargeSpan | None) -> ChargePart | None:
    if span is None:
        return None
    return ChargePart(
        soc_pct=span.soc_pct,
        soc_p05_pct=span.soc_p05_pct,
        soc_p95_pct=span.soc_p95_pct,
        reason=span.grounds.value,
        energy_kwh=span.energy_kwh,
    )


def swap_record(swap: Swap, time: Timekeeper, now_s: float) -> SwapRecord:
    """`swap`: the record of a swap that has come to its end. Exchanges that did not take place are left out."""
    outcome: Literal["completed", "backed_out", "aborted"] = "completed"
    if swap.backed_out or swap.aborted:
        outcome = "aborted" if swap.aborted else "backed_out"
    began_s = time.began_s if time.began_s is not None else now_s
    return SwapRecord(
        swap_id=swap.id,
        vin=swap.vin,
        authorised_by=swap.authorised_by,
        outcome=outcome,
        exchanges=tuple(
            ExchangePart(
                mount=e.mount,
                bay_in=e.bay_in,
                bay_out=e.bay_out,
                serial_out=e.serial_out or None,
                soc_out_pct=e.soc_out_pct,
                serial_in=e.serial_in or None,
                soc_in_pct=e.soc_in_pct,
                accepted=e.accepted,
                charged_kwh=e.charged_kwh,
                arrival_provisional=_charge(e.charge_out),
                outgoing=_charge(e.charge_in),
            )
            for e in swap.exchanges
            if e.mount in swap.installed
        ),
        started=datetime.fromisoformat(swap.started_utc).astimezone(UTC),
        ended=utc_now(),
        duration_s=round(now_s - began_s, 3),
        waits_s={k: round(v, 3) for k, v in time.waits_s.items()},
        steps_s={k: round(v, 3) for k, v in time.steps_s.items()},
    )
