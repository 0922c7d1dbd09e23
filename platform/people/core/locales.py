"""Languages and countries as people and programs write them. Pure.

A locale is a BCP 47 tag (RFC 5646, section 2.1): language, script, region, variants, extensions. Its
form is checked whole, its language and region against the lists of two-letter codes (ISO 639-1 and
ISO 3166-1). It is kept in the usual letter case: `zh-Hant-TW`.
"""

from __future__ import annotations

import re

import phonenumbers

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?)",
    re.ASCII,
)
_CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da "
    "de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy "
    "hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg "
    "li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or "
    "os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw "
    "ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
    # As they were called before 1989; programs still send them.
    "iw in ji"
)
_LANGUAGES = frozenset(_CODES.split())
# Countries without telephone numbers of their own.
_SILENT = frozenset({"AQ", "BV", "GS", "HM", "PN", "TF", "UM"})
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS) | _SILENT


def clean_country(text: str) -> str:
    """The two-letter code in capitals; UK is GB. Raises ValueError."""
    code = text.upper()
    code = "GB" if code == "UK" else code
    if code not in COUNTRIES:
        raise ValueError("Use a two-letter country code such as US.")
    return code


def clean_locale(text: str) -> str:
    """The tag in its usual letter case; an underscore counts as a hyphen. Raises ValueError."""
    tag = _TAG.fullmatch(text.replace("_", "-").lower())
    if tag is None or (len(tag["language"]) == 2 and tag["language"] not in _LANGUAGES):
        raise ValueError("Use a locale such as en-US.")
    region = (tag["region"] or "").upper()
    if len(region) == 2 and region not in COUNTRIES:
        raise ValueError("Use a locale such as en-US.")
    parts = [tag["language"], (tag["script"] or "").capitalize(), region]
    return "-".join(part for part in parts if part) + tag["rest"]
