from collections.abc import Mapping, Sequence

INPUT_SLOTS: tuple[int, int]
INPUT_BLOCK_FORMAT: str
MAXIMA: Mapping[str, tuple[float, float]]
LOWER_LIMITS: frozenset[str]

Row = tuple[bool, int, int, str, float, float, str, int, int, int, bool, bool, bool]

Memory = tuple[bool, bool, int, int, int, int, tuple[int, ...]]

class Interlock:
    def __init__(self, rows: Sequence[Row], all_classes: int, tripped_blocks: bool) -> None: ...
    def judge(self, block: bytes, moving: int, reset: bool) -> tuple[int, int, bool, int, int, int]: ...
    def may_start(self, block: bytes) -> tuple[int, int]: ...
    def dump(self) -> Memory: ...
    def load(self, memory: Sequence[object]) -> None: ...
