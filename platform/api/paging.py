"""Pages of the API by a key, not by an offset: page 900 costs what page 1 costs.

    by_time = Keyset(datetime, UUID)
    page = by_time.read(request.query_params)
    rows = list(by_time.cut(Thing.objects.all(), page, "created_at", "id"))
    return Response(by_time.answer("things", rows, page, key=lambda t: (t.created_at, t.id), show=_shown))

A cursor is opaque to clients and checked value by value: a forged one is refused or finds rows of
the same workspace, which its key may read anyway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from api.problems import FieldError, Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_CURSOR = 1000
M = TypeVar("M", bound=Model)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`after`: the key of the last row of the page before; None for the first page."""

    after: tuple[Any, ...] | None
    limit: int

    @property
    def fetch(self) -> int:
        """One row more than the page holds says whether there is a next one."""
        return self.limit + 1


class Keyset:
    """The types of the key that orders a list: `datetime`, `UUID`, `str` or `int`."""

    def __init__(self, *kinds: type) -> None:
        self._kinds = kinds

    def read(self, query: Mapping[str, Any]) -> PageRequest:
        """`?cursor=&limit=` of a request. Raises `Invalid`."""
        errors: list[FieldError] = []
        limit = _limit(query.get("limit"), errors)
        text = query.get("cursor") or ""
        after = self._after(text) if text else None
        if text and after is None:
            errors.append(FieldError("cursor", "invalid_cursor", "This is no cursor of ours."))
        if errors:
            raise Invalid(errors)
        return PageRequest(after, limit)

    def cut(
        self, rows: QuerySet[M], page: PageRequest, *columns: str, newest_first: bool = True
    ) -> QuerySet[M]:
        """The rows of the page and one more, ordered by `columns`, all in one direction."""
        sign, compare = ("-", "lt") if newest_first else ("", "gt")
        if page.after is not None:
            rows = rows.filter(_beyond(columns, page.after, compare))
        # The tenant leads every index: ordering by it too lets the index give the order.
        return rows.order_by(*(f"{sign}{name}" for name in ("tenant_id", *columns)))[: page.fetch]

    def answer(
        self,
        plural: str,
        rows: Sequence[Row],
        page: PageRequest,
        *,
        key: Callable[[Row], tuple[Any, ...]],
        show: Callable[[Row], Any],
    ) -> dict[str, Any]:
        """{plural: [...], "next_cursor": text or None} of the rows that `cut` gave."""
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        return {
            plural: [show(row) for row in shown],
            "next_cursor": self.write(key(shown[-1])) if more else None,
        }

    def write(self, key: Sequence[Any]) -> str:
        parts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in key]
        return urlsafe_b64encode("\x1f".join(parts).encode()).decode().rstrip("=")

    def _after(self, text: str) -> tuple[Any, ...] | None:
        if len(text) > _MAX_CURSOR or not text.isascii():
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            parts = urlsafe_b64decode(padded).decode().split("\x1f")
            if len(parts) != len(self._kinds):
                return None
            return tuple(map(_read_part, self._kinds, parts))
        except (Error, ValueError):
            return None


def _beyond(columns: Sequence[str], after: Sequence[Any], compare: str) -> Q:
    """(a, b) < (x, y) written out, with a <= x in front for the index to start from."""
    [first, *rest], [value, *others] = columns, after
    if not rest:
        return Q(**{f"{first}__{compare}": value})
    deeper = _beyond(rest, others, compare)
    same_or_beyond = Q(**{f"{first}__{compare}e": value})
    return same_or_beyond & (Q(**{f"{first}__{compare}": value}) | deeper)


def _read_part(kind: type, text: str) -> Any:
    """Raises ValueError."""
    if kind is datetime:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return moment
    if kind is UUID:
        return UUID(text)
    if kind is int:
        number = int(text)
        if abs(number) >= 2**63:
            raise ValueError("too large")
        return number
    if "\x00" in text:
        raise ValueError("NUL")
    return text


def _limit(given: Any, errors: list[FieldError]) -> int:
    if given in (None, ""):
        return DEFAULT_LIMIT
    text = str(given)
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    detail = f"Use a whole number from 1 to {MAX_LIMIT}."
    errors.append(FieldError("limit", "invalid_limit", detail))
    return DEFAULT_LIMIT
