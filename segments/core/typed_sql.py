"""Values of attributes in their declared type, as SQL. It says exactly what `people.core.kinds` says
in Python; a property test holds the two together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from people.core.kinds import BOOLEAN, DATE, NUMBER

_NUMERIC = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,10})?$"
# The forms that people and programs write, of days that exist: a cast may not fail. Stored values of
# a declared type are always one of them.
_DAY = (
    r"(?!0000)([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)
_MOMENT = (
    rf"^{_DAY}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,6}})?)?"
    r"([zZ]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)?)?$"
)
_OFFSET = r"[T ].*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"
_BLANKS = " \t\n\r\f\v"


def read_as(kind: str, found: str, bind: Callable[[Any], str], zone: str) -> str:
    """The JSON value as `people.core.kinds` reads it in a type; NULL where it does not fit."""
    text = f"btrim({found} #>> '{{}}', {bind(_BLANKS)}::text)"
    if kind == NUMBER:
        return (
            f"(CASE jsonb_typeof({found}) WHEN 'number' THEN {found} WHEN 'string' THEN "
            f"CASE WHEN {text} ~ '{_NUMERIC}' THEN to_jsonb({text}::numeric) END END)"
        )
    if kind == BOOLEAN:
        return (
            f"(CASE WHEN jsonb_typeof({found}) = 'boolean' THEN {found} "
            f"WHEN jsonb_typeof({found}) = 'string' THEN "
            f"CASE WHEN lower({text}) IN ('yes', 'true', '1', 'y') THEN 'true'::jsonb "
            f"WHEN lower({text}) IN ('no', 'false', '0', 'n') THEN 'false'::jsonb END "
            f"WHEN {found} = '1'::jsonb THEN 'true'::jsonb "
            f"WHEN {found} = '0'::jsonb THEN 'false'::jsonb END)"
        )
    whole = f"jsonb_typeof({found}) = 'string' AND {text} ~ '{_MOMENT}'"
    if kind == DATE:
        return f"(CASE WHEN {whole} THEN to_jsonb(left({text}, 10)) END)"
    place = bind(zone)
    moment = (
        f"CASE WHEN {text} ~ '{_OFFSET}' THEN {text}::timestamptz "
        f"ELSE {text}::timestamp AT TIME ZONE {place}::text END"
    )
    shown = f"to_char(({moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    return f"(CASE WHEN {whole} THEN to_jsonb({shown}) END)"
