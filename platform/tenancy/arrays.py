"""Arrays on their way to PostgreSQL, escaped in a tenth of the time.

Whole sets travel as arrays (`unnest`), JSON documents among them. psycopg escapes each element by
a regular expression with a template, which costs more than all the rest of such a statement: JSON
is full of quotes. Two `bytes.replace` say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import Buffer
from psycopg.types.array import ListDumper


class QuickListDumper(ListDumper):
    """psycopg's own dumper with a cheaper escape, and whole lists of one plain type at once."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        kinds = set(map(type, obj))
        kinds.discard(NoneType)
        if len(kinds) == 1 and self.delimiter == b",":
            kind = kinds.pop()
            if kind is UUID:
                return _join(["NULL" if item is None else item.hex for item in obj])
            if kind is datetime:
                return _join(["NULL" if item is None else f'"{item}"' for item in obj])
            if kind is str and not any("\x00" in item for item in obj if item is not None):
                return _join(["NULL" if item is None else _quote(item) for item in obj])
        return super().dump(obj)

    def _dump_list(
        self,
        obj: list[Any],
        tokens: list[Buffer],
        needs_quotes: Callable[[Buffer], object],
    ) -> None:
        if not obj:
            tokens.append(b"{}")
            return
        dump = self.sub_dumper.dump if self.sub_dumper else self._dump_item
        delimiter = self.delimiter
        tokens.append(b"{")
        for item in obj:
            if item is None:
                tokens.append(b"NULL")
            elif isinstance(item, list):
                self._dump_list(item, tokens, needs_quotes)
            elif (dumped := dump(item)) is None:
                tokens.append(b"NULL")
            elif needs_quotes(dumped):
                escaped = bytes(dumped).replace(b"\\", b"\\\\").replace(b'"', b'\\"')
                tokens.append(b'"' + escaped + b'"')
            else:
                tokens.append(dumped)
            tokens.append(delimiter)
        tokens[-1] = b"}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _join(items: list[str]) -> bytes:
    # Django opens every connection with UTF-8.
    return f"{{{','.join(items)}}}".encode()


def install() -> None:
    """For every connection opened from now on."""
    psycopg.adapters.register_dumper(list, QuickListDumper)
