from collections.abc import Sequence

INPUT_BLOCK_FORMAT: str

Row = tuple[bool, int, int, float, float, int, int, int, bool, bool, bool]

class Interlock:
    def __init__(self, rows: Sequence[Row], all_classes: int) -> None: ...
    def judge(self, block: bytes, moving: int, reset: bool) -> tuple[int, int, bool, int, int, int]: ...
    def may_start(self, block: bytes) -> tuple[int, int]: ...
