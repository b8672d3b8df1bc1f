from collections.abc import Sequence

NORMAL: int
SUSPECT: int
EVENT: int

BMS_ALARM: int
SMOKE: int
TEMPERATURE: int
TEMPERATURE_RATE: int
CELL_VOLTAGE_DROP: int
SPREAD: int

class Detector:
    def __init__(self, limits: Sequence[float]) -> None: ...
    def update(
        self,
        now_s: float,
        hot_c: float,
        cold_c: float,
        low_v: float,
        mid_v: float,
        smoke: int,
        alarm: int,
        attentive: bool,
    ) -> tuple[int, int, bool]: ...
    def measured(self) -> tuple[float, float, float, int, float, float, float]: ...
    def dump(self) -> bytes: ...
    def load(self, memory: bytes) -> None: ...
    def run(self, rows: object, answers: object) -> None: ...
