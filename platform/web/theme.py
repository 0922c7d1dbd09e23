"""A workspace's color as CSS that passes its contrast checks, in light and dark."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIGHT_SURFACE = "#ffffff"
DARK_SURFACE = "#191a18"
DARK_TEXT = "#101210"
DEFAULT_ACCENT = "#0b6b5b"
LEAST_CONTRAST = 4.9
_HEX = re.compile(r"^#?[0-9a-fA-F]{6}$")


@dataclass(frozen=True, slots=True)
class Accent:
    """Readable shades of one color. `*_ink` is the text on top, `*_soft` the tint behind text."""

    brand: str
    light: str
    light_ink: str
    light_soft: str
    dark: str
    dark_ink: str
    dark_soft: str


def is_color(text: str) -> bool:
    """Whether `text` is six hex digits, with or without `#`."""
    return bool(_HEX.match(text))


def contrast(first: str, second: str) -> float:
    """WCAG contrast ratio of two `#rrggbb` colors, 1.0 to 21.0."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(color: str) -> str:
    """White or near black, whichever reads better on `color`."""
    return max(("#ffffff", DARK_TEXT), key=lambda ink: contrast(ink, color))


def accent_for(color: str) -> Accent:
    """Shades of a workspace's color that can be read: moved to black or white as far as needed."""
    brand = f"#{color.lstrip('#').lower()}" if is_color(color) else DEFAULT_ACCENT
    light_soft = mix(brand, LIGHT_SURFACE, 0.11)
    dark_soft = mix(brand, DARK_SURFACE, 0.24)
    light = _move(brand, toward="#000000", on=(LIGHT_SURFACE, "#f4f4f1", light_soft))
    dark = _move(brand, toward="#ffffff", on=(DARK_SURFACE, dark_soft))
    return Accent(brand, light, ink_on(light), light_soft, dark, ink_on(dark), dark_soft)


def accent_css(color: str) -> str:
    """The stylesheet served for one color: a handful of custom properties."""
    a = accent_for(color)
    return (
        ":root{"
        f"--brand:{a.brand};"
        f"--accent:light-dark({a.light},{a.dark});"
        f"--accent-ink:light-dark({a.light_ink},{a.dark_ink});"
        f"--accent-soft:light-dark({a.light_soft},{a.dark_soft})"
        "}\n"
    )


def mix(color: str, base: str, share: float) -> str:
    """`share` of `color` over `base`, channel by channel."""
    pairs = zip(_channels(color), _channels(base), strict=True)
    return "#" + "".join(f"{round(c * share + b * (1 - share)):02x}" for c, b in pairs)


def _move(color: str, *, toward: str, on: tuple[str, ...]) -> str:
    """The color, darker or lighter in steps the eye takes as even, its hue and strength kept."""
    light, a, b = _oklab(color)
    goal = 0.0 if toward == "#000000" else 1.0
    for step in range(41):
        shade = color if step == 0 else _hex(light + (goal - light) * step / 40, a, b)
        if all(contrast(shade, surface) >= LEAST_CONTRAST for surface in on):
            return shade
    return toward


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(color: str) -> tuple[float, float, float]:
    def one(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = _channels(color)
    return one(red), one(green), one(blue)


def _oklab(color: str) -> tuple[float, float, float]:
    """Lightness and the two color axes of Oklab (Ottosson 2020)."""
    red, green, blue = _linear(color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _hex(light: float, a: float, b: float) -> str:
    """Back to `#rrggbb`; the strength gives way where a screen cannot show it."""
    for strength in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0):
        channels = _rgb(light, a * strength, b * strength)
        if all(-0.001 <= channel <= 1.001 for channel in channels):
            break
    return "#" + "".join(f"{_eight_bit(channel):02x}" for channel in channels)


def _rgb(light: float, a: float, b: float) -> tuple[float, float, float]:
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def _eight_bit(channel: float) -> int:
    share = min(1.0, max(0.0, channel))
    bent = share * 12.92 if share <= 0.0031308 else 1.055 * share ** (1 / 2.4) - 0.055
    return round(bent * 255)
