"""What a bad CAN bus does to each frame of packs and truck: no device, no clock, one seed."""

from __future__ import annotations

from drivers.can_frame import Frame
from drivers.can_state import BusState
from drivers.j1939 import TP_CM, TP_DT, build_id, parse_id
from hil.faults import wire_kinds as kinds
from hil.faults.can_fields import counter_mask, in_error, merged, status_masks
from hil.faults.can_transport import Sessions
from hil.faults.catalogue import CanFault
from hil.faults.model import FaultModel, OfNode
from hil.faults.switches import Switches
from hil.peers.pack_node import PackNode
from hil.plant.pack import Pack

Sent = tuple[tuple[float, Frame], ...]
BURST_FRAMES = 500
"""So many frames of a babbling node at a time; what is more has no place on a bus of 250 kbit/s."""
OWN_PGN = 0xFF00  # proprietary B: manufacturers' own, 0xFF00..0xFFFF
SECOND_PHASE_S = 0.031


class CanWire(Switches[CanFault]):
    """One CAN bus between the controller and the nodes of the bench.

    station_address: the controller's. counters: lost, deaf, stuck, frozen, wrong_dlc, untrusted, babble, conflict,
    blocked, missing, reordered, aborted.
    """

    def __init__(self, seed: int | str, station_address: int = 0x56) -> None:
        super().__init__(seed)
        self._station = station_address
        self._sessions = Sessions(self.counters)
        self._seen: dict[type[FaultModel], dict[tuple[int, int, int], bytes]] = {}
        self._second: PackNode | None = None
        self._answers: list[Frame] = []
        self._babbled_s: float | None = None

    @property
    def blocked(self) -> BusState | None:
        """How the controller's own device stands, if it is dead: nothing comes to it or from it."""
        if self.on(kinds.CanBusDown) is not None:
            return BusState.DOWN
        return BusState.BUS_OFF if self.on(kinds.CanBusOff) is not None else None

    def send(self, frame: Frame, now_s: float) -> Sent:
        """What goes to the controller for a frame that a node sends: (delay in s, frame)."""
        del now_s  # nothing here depends on when
        if not self.active:
            return ((0.0, frame),)
        if self.blocked is not None:
            self.counters["blocked"] += 1
            return ()
        _, pgn, _, source = parse_id(frame.can_id)
        loss = self.on(kinds.CanLoss)
        if loss is not None and loss.direction == "from_nodes" and self._hit(loss, source):
            self.counters["lost"] += 1
            return ()
        if pgn in (TP_CM, TP_DT):
            return self._transport(frame)
        return ((0.0, Frame(frame.can_id, self._spoilt(frame.data, pgn, source))),)

    def hear(self, frame: Frame, now_s: float) -> bool:
        """Whether the nodes hear a frame of the controller."""
        if not self.active:
            return True
        loss = self.on(kinds.CanLoss)
        if self.blocked is not None or (
            loss is not None and loss.direction == "to_nodes" and self._hit(loss, parse_id(frame.can_id).destination)
        ):
            self.counters["deaf"] += 1
            return False
        if self._second is not None:
            self._answers += self._second.receive(frame, now_s)
        return True

    def due(self, now_s: float) -> tuple[Frame, ...]:
        """What nodes send that should not be there; to be asked every few milliseconds."""
        if not self.active:
            return ()
        frames = self._babble(now_s) + self._conflict(now_s)
        return () if self.blocked is not None else tuple(frames)

    def _hit(self, fault: OfNode, node: int) -> bool:
        return fault.source in (None, node) and self._chance(fault.rate)

    def _transport(self, frame: Frame) -> Sent:
        _, _, destination, source = parse_id(frame.can_id)
        group, number = self._sessions.follow(frame)
        frozen, broken = self.on(kinds.CanFrozen), self.on(kinds.CanBrokenTransport)
        if frozen is not None and number and self._hit(frozen, source):
            frame = Frame(frame.can_id, self._first(kinds.CanFrozen, (source, group, number), frame.data))
            self.counters["frozen"] += 1
        if broken is None or not number:
            return ((0.0, frame),)
        return self._sessions.broken(frame, broken.how, self._hit(broken, source), destination)

    def _spoilt(self, data: bytes, pgn: int, source: int) -> bytes:
        """A message of one frame as the controller gets it."""
        key, counter, statuses = (source, pgn, 0), counter_mask(pgn), status_masks(pgn)
        frozen, stuck = self.on(kinds.CanFrozen), self.on(kinds.CanStuckCounter)
        untrusted, wrong = self.on(kinds.CanUntrusted), self.on(kinds.CanWrongDlc)
        if frozen is not None and self._hit(frozen, source):
            data = merged(self._first(kinds.CanFrozen, key, data), data, counter)
            self.counters["frozen"] += 1
        if stuck is not None and counter and self._hit(stuck, source):
            data = merged(data, self._first(kinds.CanStuckCounter, key, data), counter)
            self.counters["stuck"] += 1
        if untrusted is not None and statuses and self._hit(untrusted, source):
            data = in_error(data, statuses)
            self.counters["untrusted"] += 1
        if wrong is not None and self._hit(wrong, source):
            data = data[: wrong.length_bytes].ljust(wrong.length_bytes, b"\xff")
            self.counters["wrong_dlc"] += 1
        return data

    def _first(self, model: type[FaultModel], key: tuple[int, int, int], data: bytes) -> bytes:
        """The data that came first under this key since the fault is on."""
        return self._seen.setdefault(model, {}).setdefault(key, data)

    def _babble(self, now_s: float) -> list[Frame]:
        fault = self.on(kinds.CanBabble)
        if fault is None:
            return []
        if self._babbled_s is None:
            self._babbled_s = now_s
        due = int((now_s - self._babbled_s) * fault.frames_per_s)
        self._babbled_s = now_s if due > BURST_FRAMES else self._babbled_s + due / fault.frames_per_s
        pgns = [fault.pgn or OWN_PGN + self._rng.randrange(256) for _ in range(min(due, BURST_FRAMES))]
        self.counters["babble"] += len(pgns)
        return [Frame(build_id(0, pgn, fault.source), self._rng.randbytes(8)) for pgn in pgns]

    def _conflict(self, now_s: float) -> list[Frame]:
        fault = self.on(kinds.CanConflict)
        if fault is None:
            return []
        if self._second is None:
            pack = Pack(fault.serial, fault.soc_pct)
            pack.address, pack.mated = fault.address, True
            self._second = PackNode(pack, fault.address, self._station, now_s, SECOND_PHASE_S)
        frames = [*self._answers, *self._second.poll(now_s)]
        self._answers.clear()
        self.counters["conflict"] += len(frames)
        return frames

    def _changed(self, model: type[FaultModel]) -> None:
        """What a fault has noted goes with it."""
        self._seen.pop(model, None)
        if model is kinds.CanBabble:
            self._babbled_s = None
        if model is kinds.CanConflict:
            self._second = None
            self._answers.clear()
        super()._changed(model)
