"""HTML and SVG as text: whatever is not markup already is escaped, so that no record can write into the page."""

from __future__ import annotations

import math
import re
from html import escape

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (section 2.2) cannot hold, not even escaped; HTML and UTF-8 agree but for details."""


MINUTES_FROM_S = 120.0


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def clean(text: object) -> str:
    """The text with what XML 1.0 cannot hold (control characters, lone surrogates) replaced by U+FFFD."""
    return _ILLEGAL.sub("\ufffd", str(text))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element. Children that are not Markup are escaped. `class_` is class, `_` in names is `-`; None: left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: object) -> Markup:
    """Several children one after the other."""
    return Markup("".join(c if isinstance(c, Markup) else escape(clean(c)) for c in children))


def px(value: float) -> str:
    """A coordinate to a tenth of a pixel, as short as it gets."""
    return f"{value:.1f}".removesuffix(".0")


def cut(text: str, most: int) -> str:
    """At most so many characters; … marks what was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def amount(value: float, unit: str = "") -> str:
    """A figure for a person: three to four digits that count, thin spaces between thousands, its unit."""
    return f"{_digits(value)} {unit}".rstrip()


def _digits(value: float) -> str:
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "endless" if value > 0 else "-endless"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f") if abs(value) < 1e12 else f"{value:.3g}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def clock(at_s: float) -> str:
    """A moment or a duration: `42.5 s`, from two minutes on as `minutes` says it."""
    if not math.isfinite(at_s):
        return "?"
    return f"{at_s:.1f}".removesuffix(".0") + " s" if abs(at_s) < MINUTES_FROM_S else minutes(at_s)


def minutes(at_s: float) -> str:
    """A moment as `2:07`, from an hour on as `1:02:07`."""
    whole, seconds = divmod(round(at_s), 60)
    hours, rest = divmod(whole, 60)
    return f"{hours}:{rest:02}:{seconds:02}" if hours else f"{rest}:{seconds:02}"


def _attribute(value: object) -> str:
    return px(value) if isinstance(value, float) else escape(clean(value))
