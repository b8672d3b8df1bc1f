"""The words of a status block that are two-bit signals: single ones, and those of mounts and bays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from drivers.reading import Signal
from drivers.register_points import EncodingError, Group, Point, Value
from hil.plant.panel import BAY, MOUNT
from hil.plant.world import World

Element = tuple[Signal, ...]
ABSENT = Signal.NOT_AVAILABLE


class Word:
    """A word of bit fields."""

    def __init__(self, at: int, points: list[Point], where: str) -> None:
        self.at = at
        self._names = [p.name for p in points]
        self._packed = _packer(points, where)

    def encode(self, points: Mapping[str, Value]) -> int:
        """The word. Raises KeyError for a point that nothing is known of."""
        return self._packed(tuple([points[name] for name in self._names]))


class Elements:
    """The words of a repeated group: the mounts, or the bays."""

    def __init__(self, group: Group, world: World, where: str) -> None:
        known = (*BAY, "smoke_clear", "energised") if group.name == "bay" else MOUNT
        missing = [name for name in group.names if name not in known]
        if missing:
            raise EncodingError(f"{group.name}.{missing[0]} is missing", where=where)
        self._group, self._world, self._known = group, world, known
        order = [known.index(name) for name in group.names]
        packed = _packer(group.points, where)
        self._encode = lru_cache(maxsize=256)(lambda element: packed(tuple(element[i] for i in order)))
        self._absent = self._encode((ABSENT,) * len(known))

    def put(self, words: list[int], broken: Mapping[str, Signal]) -> None:
        """Bring the group's words up to date."""
        at, present = self._group.at - 1, self._present()
        words[at + 1 : at + 1 + self._group.count] = [self._absent] * self._group.count
        for number, element in present.items():
            if number <= self._group.count:
                words[at + number] = self._encode(element)
        if broken:
            self._put_broken(words, present, broken)

    def _put_broken(self, words: list[int], present: Mapping[int, Element], broken: Mapping[str, Signal]) -> None:
        prefix = self._group.name
        for n in range(1, self._group.count + 1):
            element = present.get(n, (ABSENT,) * len(self._known))
            shown = tuple(broken.get(f"{prefix}.{n}.{p}", s) for p, s in zip(self._known, element, strict=True))
            words[self._group.at + n - 1] = self._encode(shown)

    def _present(self) -> dict[int, Element]:
        world = self._world
        places = world.panel.places
        if self._group.name == "bay":
            smoke, energised = world.inputs.smoke_clear, world.supplies.energised
            return {
                n: (*places[p].shown, smoke.get(n, Signal.TRUE), Signal(energised >> (n - 1) & 1))
                for n, p in world.bays.items()
            }
        return {n: places[p].shown for n, p in world.lane.mounts.items()} if world.lane.present else {}


def _packer(points: list[Point] | tuple[Point, ...], where: str) -> Callable[[tuple[Value, ...]], int]:
    """Puts values into their bits of a word, remembering those it has seen."""

    @lru_cache(maxsize=256)
    def packed(values: tuple[Value, ...]) -> int:
        return sum(p.raw(v, where) << p.bit for p, v in zip(points, values, strict=True))

    return packed
