"""deploy/station.example.toml: every key of the configuration, its meaning and what is accepted."""

from __future__ import annotations

import typing

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from station_ctl.config import Config
from station_ctl.documents.forms import NOTE

_VALUES = {
    "station.id": '"JN-01"',
    "robot.host": '"192.0.2.10"',
    "can.name": '"packs"',
    "bay.number": "1",
    "bay.can_address": "0xB1",
    "mount.number": "1",
    "mount.can_address": "0xA1",
    "issuer.name": '"shift-lead-*"',
    "issuer.roles": '["operator", "supervisor"]',
}
"""What the example file says for keys that have no default."""
_MORE = """
[[bay]]
number = 2
can_address = 0xB2

[[bay]]
number = 3
can_address = 0xB3
isolation = true

[[mount]]
number = 2
can_address = 0xA2
"""


def text() -> str:
    """station.toml with every key, its meaning and what is accepted; optional keys are commented out."""
    parts = [f"# {NOTE}\n# Every key of station.toml. A key that is commented out shows its default.\n"]
    for name in Config.model_fields:
        section, repeated = _section(name)
        parts.append(f"# {_summary(section)}\n[[{name}]]" if repeated else f"# {_summary(section)}\n[{name}]")
        parts += [_key(name, key, field) for key, field in section.model_fields.items()]
        parts.append("")
    return "\n".join(parts) + _MORE


def _section(name: str) -> tuple[type[BaseModel], bool]:
    annotation = Config.model_fields[name].annotation
    inner = typing.get_args(annotation)
    return (inner[0], True) if inner else (typing.cast(type[BaseModel], annotation), False)


def _summary(section: type[BaseModel]) -> str:
    return (section.__doc__ or "").splitlines()[0].split(": ", 1)[-1]


def _key(name: str, key: str, field: FieldInfo) -> str:
    accepted = ", ".join(filter(None, map(_bound, field.metadata)))
    meaning = f"# {field.description}" + (f" ({accepted})" if accepted else "")
    if field.is_required():
        return f"{meaning}\n{key} = {_VALUES[f'{name}.{key}']}"
    default = field.default
    if default is None:
        return f"{meaning}\n# {key} ="
    shown = (
        str(default).lower() if isinstance(default, bool) else f'"{default}"' if isinstance(default, str) else default
    )
    return f"{meaning}\n# {key} = {shown}"


def _bound(rule: object) -> str:
    for name, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"), ("pattern", "matches")):
        value = getattr(rule, name, None)
        if value is not None:
            return f"{sign} {value}"
    return ""
