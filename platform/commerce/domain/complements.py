"""Which categories go together, as the shop says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from commerce.models import Complement
from tenancy.ids import new_id


def set_complements(given: Mapping[str, Sequence[str]]) -> None:
    """What goes with each of these categories, best first, instead of what went with it before;
    nothing: no more. Other categories stay as they are."""
    Complement.objects.filter(category__in=list(given)).delete()
    Complement.objects.bulk_create(
        Complement(id=new_id(), category=category, complement=each, position=position)
        for category, those in sorted(given.items())
        for position, each in enumerate(dict.fromkeys(those))
    )


def list_complements() -> list[tuple[str, list[str]]]:
    """(category, what goes with it, best first), by name."""
    found: dict[str, list[str]] = {}
    rows = Complement.objects.order_by("category", "position", "id")
    for category, complement in rows.values_list("category", "complement"):
        found.setdefault(category, []).append(complement)
    return list(found.items())
