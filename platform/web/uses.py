"""What something is used in: higher floors (flows, campaigns) say so, lower ones only ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

Row = TypeVar("Row", bound=Any)


@dataclass(frozen=True, slots=True)
class Use:
    """One flow or campaign. `how`: what the thing does there. `view` and `key`: its page; `query`:
    the place on that page, such as `?step=text_1`."""

    kind: str
    name: str
    how: str
    view: str
    key: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Uses:
    """`total` of them; `first`: those to name."""

    total: int = 0
    first: tuple[Use, ...] = ()

    @property
    def others(self) -> int:
        return self.total - len(self.first)


class Register(Generic[Row]):
    """Who is to be asked about rows of one model. Rows have a UUID as `id`."""

    def __init__(self) -> None:
        self._loaders: dict[str, Callable[[Sequence[Row], int], Mapping[UUID, Uses]]] = {}

    def register(
        self, kind: str, load: Callable[[Sequence[Row], int], Mapping[UUID, Uses]]
    ) -> None:
        """`load(rows, most)` returns per id at most so many to name, in a fixed number of queries.
        Kinds are told in the order they registered in."""
        self._loaders[kind] = load

    def uses_of(self, rows: Sequence[Row], *, most: int) -> dict[UUID, Uses]:
        """Per row everything it is used in, at most `most` of each kind by name."""
        found = {row.id: Uses() for row in rows}
        for load in self._loaders.values() if rows else ():
            for row_id, more in load(rows, most).items():
                held = found[row_id]
                found[row_id] = Uses(held.total + more.total, (*held.first, *more.first))
        return found
