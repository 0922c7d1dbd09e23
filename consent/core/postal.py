"""Postal codes and region names: which state, which time zones."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from consent.core.tables import table

# First three digits of a ZIP, from..to, by state. Military and federal ranges are left out.
_ZIP3 = (
    "005 005 NY|006 007 PR|008 008 VI|009 009 PR|010 027 MA|028 029 RI|030 038 NH|039 049 ME|"
    "050 054 VT|055 055 MA|056 059 VT|060 069 CT|070 089 NJ|100 149 NY|150 196 PA|197 199 DE|"
    "200 200 DC|201 201 VA|202 205 DC|206 219 MD|220 246 VA|247 268 WV|270 289 NC|290 299 SC|"
    "300 319 GA|320 339 FL|341 349 FL|350 369 AL|370 385 TN|386 397 MS|398 399 GA|400 427 KY|"
    "430 459 OH|460 479 IN|480 499 MI|500 528 IA|530 549 WI|550 567 MN|570 577 SD|580 588 ND|"
    "590 599 MT|600 629 IL|630 658 MO|660 679 KS|680 693 NE|700 714 LA|716 729 AR|730 732 OK|"
    "733 733 TX|734 749 OK|750 799 TX|800 816 CO|820 831 WY|832 838 ID|840 847 UT|850 865 AZ|"
    "870 884 NM|885 885 TX|889 898 NV|900 961 CA|967 968 HI|969 969 GU|970 979 OR|980 994 WA|"
    "995 999 AK"
)
_TERRITORY_ZONES = {
    "PR": ("America/Puerto_Rico",),
    "VI": ("America/St_Thomas",),
    "GU": ("Pacific/Guam",),
}
# First letter of a Canadian postal code.
_CANADA = {
    "A": ("America/St_Johns", "America/Halifax"),
    "B": ("America/Halifax",),
    "C": ("America/Halifax",),
    "E": ("America/Moncton",),
    "G": ("America/Toronto", "America/Halifax"),
    "H": ("America/Toronto",),
    "J": ("America/Toronto",),
    "K": ("America/Toronto",),
    "L": ("America/Toronto",),
    "M": ("America/Toronto",),
    "N": ("America/Toronto",),
    "P": ("America/Toronto", "America/Winnipeg"),
    "R": ("America/Winnipeg",),
    "S": ("America/Regina", "America/Edmonton"),
    "T": ("America/Edmonton",),
    "V": ("America/Vancouver", "America/Edmonton"),
    "X": ("America/Edmonton", "America/Iqaluit", "America/Winnipeg"),
    "Y": ("America/Whitehorse",),
}
_STATE_NAMES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|"
    "DE Delaware|DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|"
    "IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|"
    "MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|"
    "NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|"
    "NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|"
    "RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|"
    "VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|"
    "PR Puerto Rico|VI Virgin Islands|GU Guam"
)
STATE_NAMES: dict[str, str] = {
    code: name for code, name in (entry.split(" ", 1) for entry in _STATE_NAMES.split("|"))
}
_BY_NAME = {name.casefold(): code for code, name in STATE_NAMES.items()}


@lru_cache(maxsize=1)
def _zip3_states() -> dict[str, str]:
    states = {}
    for entry in _ZIP3.split("|"):
        first, last, state = entry.split()
        states.update({f"{number:03d}": state for number in range(int(first), int(last) + 1)})
    return states


@lru_cache(maxsize=1)
def _zip_starts() -> list[str]:
    return [first for first, _, _ in table("zip_zones.json.gz")["ranges"]]


def read_zip(postal_code: str) -> tuple[str | None, tuple[str, ...]]:
    """State and zones of a US ZIP. An unlisted one takes every zone of its first three digits."""
    match = re.fullmatch(r"(\d{5})(?:-?\d{4})?", postal_code.strip())
    if not match:
        return None, ()
    code = match[1]
    state = _zip3_states().get(code[:3])
    if state in _TERRITORY_ZONES:
        return state, _TERRITORY_ZONES[state]
    data = table("zip_zones.json.gz")
    position = bisect_right(_zip_starts(), code) - 1
    if position >= 0:
        first, last, index = data["ranges"][position]
        if first <= code <= last:
            return state, tuple(data["zones"][index])
    near = {
        zone
        for first, _, index in data["ranges"]
        if first[:3] == code[:3]
        for zone in data["zones"][index]
    }
    return state, tuple(sorted(near))


def read_canadian(postal_code: str) -> tuple[str, ...]:
    """Zones of a Canadian postal code, empty when it is none."""
    match = re.fullmatch(r"([A-Z])\d[A-Z] ?(?:\d[A-Z]\d)?", postal_code.strip().upper())
    return _CANADA.get(match[1], ()) if match else ()


def read_state(region: str) -> str | None:
    """USPS code from "TX", "US-TX" or "Texas"."""
    text = region.strip()
    code = text.upper().removeprefix("US-")
    return code if code in STATE_NAMES else _BY_NAME.get(text.casefold())
