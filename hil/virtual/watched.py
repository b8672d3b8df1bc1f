"""The watch over a virtual station: who looks at what, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hil.peers.robot_plc import RobotPlc
from hil.plant.world import World
from hil.virtual.cabling import Cabling
from hil.virtual.controller import Controller
from hil.watch import answers, books, records
from hil.watch.controller import ControllerWatch
from hil.watch.doubts import Doubts
from hil.watch.estimates import EstimateWatch
from hil.watch.findings import Findings
from hil.watch.grid import GridWatch
from hil.watch.orders import Orders
from hil.watch.people import PeopleWatch, Said
from hil.watch.plant import PlantWatch
from hil.watch.supplies import SupplyWatch
from hil.watch.tap import Written
from hil.watch.thermal import ThermalWatch
from station_ctl.config import Config
from station_ctl.model.look import Decision, Snapshot
from station_ctl.model.state import StationState
from station_ctl.uplink.admission import Admitted, age_s
from station_ctl.uplink.requests import ReplyMessage, Verdict
from station_ctl.uplink.uplink import Uplink
from station_ctl.wall_clock import utc_now
from station_ctl.wiring import Service


class Watched:
    """Of one station. findings: what was found. recorded: swaps in the journal, once it was read at the end."""

    def __init__(self, config: Config, world: World, plc: RobotPlc, now: Callable[[], float]) -> None:
        self.findings = Findings(now)
        self.recorded = 0
        self._config, self._world, self._plc, self._now = config, world, plc, now
        self._journal = Path(config.station.journal)
        self._intents = books.Intents(self._journal)
        self._said = Said(f"station-{config.station.id}", now)
        self.controller = ControllerWatch(self.findings, self._intents.has, lambda: self._said.cleared_s, self._ordered)
        self._people = PeopleWatch(self.findings, world.inputs, self._said.take, now)
        self._plant = PlantWatch(self.findings, world, config, now)
        self._visits: list[records.Visit] = []
        self._grid = GridWatch(self.findings, world, config)
        self._estimates = EstimateWatch(self.findings, world)
        self._thermal = ThermalWatch(self.findings, world, config)
        self._plant.on_departed = self._departed
        self._post = answers.Post(now)
        self._orders: Orders | None = None
        self._supplies: SupplyWatch | None = None
        self._closed: tuple[StationState | None, float] | None = None

    def carried_by_hand(self) -> None:
        """People have put stored packs into other bays."""
        self._plant.carried_by_hand()

    def connect(self, cabling: Cabling) -> None:
        """Listen at the broker, and know what the wires do to what is read."""
        doubts = Doubts(self._world, self._plc.plc, cabling.modbus, cabling.can)
        self._orders = Orders(
            self.findings,
            self._world,
            self._plc.plc,
            doubts,
            installed=self.controller.installed,
            evacuation=self.controller.evacuation,
            isolation=frozenset(section.number for section in self._config.bay if section.isolation),
        )
        self._supplies = SupplyWatch(self.findings, self._world, self._config, doubts.lied)
        cabling.broker.on_arrival = self._said.arrived
        cabling.broker.on_station = self._post.note

    def started(self, service: Service, controller: Controller) -> None:
        """A life of the controller begins: it stands where the last one was, and is watched from its first cycle on."""
        journal = controller.journal
        seen = None if journal.behind else self.controller.last
        books.replayed(self.findings, seen, journal.ahead, service.runner.state)
        self.controller.restarted(self._now())
        self._people.restarted()
        self._intents.close()
        if self._supplies is not None:
            self._supplies.begins()

        def cycle(snapshot: Snapshot, decision: Decision, state: StationState) -> None:
            controller.journal.ahead = None
            self.controller.cycle(snapshot, decision, state)
            if self._supplies is not None:
                self._supplies.cycle(snapshot, decision)
            self._thermal.cycle(decision, state)
            self._people.cycle(snapshot, state)
            self._estimates.cycle(snapshot)
            self.look()

        service.runner.on_cycle = cycle
        self._hear(service.uplink)

    def _hear(self, uplink: Uplink) -> None:
        """Hear each verdict in the cycle that gives it; on the wire it comes later, or never."""
        answer = uplink.answer

        def heard(admitted: Admitted, verdict: Verdict, reason: str = "") -> None:
            self._said.answered(admitted.verb, age_s(admitted.command, utc_now()), verdict)
            answer(admitted, verdict, reason)

        setattr(uplink, "answer", heard)  # noqa: B010 - a method is put in front of another one

    def look(self) -> None:
        """Look at the plant; also while there is no controller."""
        self._people.look()
        if self._orders is not None:
            self._orders.look(self._now())
        if self._supplies is not None:
            self._supplies.tick(self._now())
        self._grid.tick()
        self._plant.tick()

    def block(self, written: Written) -> None:
        """A command block has left the controller."""
        if self._supplies is not None:
            self._supplies.block(written)
        self.controller.block(written)

    def _departed(self, visit: records.Visit) -> None:
        self._visits.append(visit)
        self._thermal.left(visit)

    def _ordered(self, order: Written) -> None:
        self._people.ordered(order)
        if self._orders is not None:
            self._orders.left(order)

    def close_books(self, replies: Mapping[str, Sequence[ReplyMessage]], *, unsure: bool) -> None:
        """At the end of a run: motions, answers. unsure: some answers may be missing, because something was away."""
        books.motions(self.findings, self._plc.plc)
        books.commands(self.findings, replies, unsure)
        self._closed = (self.controller.last, self._now())

    def after_the_end(self, controller: Controller) -> None:
        """What can be judged only after the service has ended: each command's last verdict, each truck's record."""
        self._intents.close()
        if self._closed is None:
            return
        state, closed_s = self._closed
        journal = answers.Books.read(self._journal)
        answers.answers(self.findings, self._post, controller.lives)
        answers.verdicts(self.findings, self._post, journal, controller.lives, state, closed_s)
        records.records(self.findings, self._visits, journal.swaps, journal.swap_vin)
        records.told(self.findings, self._post.records, journal.swaps)
        self.recorded = len(journal.swaps)
