"""Who a text is meant for: a sample of them, to say how many have a field and to preview as one.

"" is everybody, "event:Checkout Started" whoever that happened to, "requests:back_in_stock" whoever
asked for a product; higher floors register more ("segment:vip"). A sample is the newest people,
never all: the answer is a share, and it is asked while somebody types.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce.domain.queries import FactRef
from commerce.domain.queries import facts_for as commerce_facts_for
from commerce.models import BackInStockRequest
from events.domain.queries import events_for, newest_named
from people.core.kinds import Rules
from people.core.quality import judge
from people.domain.definitions import attribute_rules
from people.domain.queries import ContactFacts, contacts_by_id, list_contacts
from templates_engine.core.field import Field
from templates_engine.core.readers import Reader
from tenancy.clock import business_now
from tenancy.models import Tenant
from tenancy.scope import current_tenant_id

SAMPLE = 300
_LOOK_BACK = timedelta(days=90)
_SECONDS = 10.0
_KEPT = 50


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a text could go to, and what it would go about."""

    contact_id: UUID
    properties: dict[str, Any] = field(default_factory=dict)
    product_key: str | None = None


Loader = Callable[[str, int], Sequence[Person]]


@dataclass(frozen=True, slots=True)
class Sample:
    """`facts`: what a render would know of each, in the order of `contacts`."""

    contacts: tuple[ContactFacts, ...]
    facts: tuple[dict[str, Any], ...]
    _shares: dict[str, float] = field(default_factory=dict)

    def unfit(self, one: Field) -> int:
        """For how many of them a value is stored that is not fit to be read, and nothing else is."""
        reader = Reader(one, fallback=None, required=False)
        return sum(bool(reader.why(known)) and reader.read(known) is None for known in self.facts)

    def share(self, one: Field) -> float | None:
        """The part (0 to 1) of them for whom the field has a value; None when nobody is known."""
        if not self.facts:
            return None
        if one.key not in self._shares:
            reader = Reader(one, fallback=None, required=False)
            held = sum(reader.read(known) is not None for known in self.facts)
            self._shares[one.key] = held / len(self.facts)
        return self._shares[one.key]


def register(kind: str, load: Loader) -> None:
    """`load(name, limit)` gives the newest people of an audience in a fixed number of queries."""
    _loaders[kind] = load


def sample_of(audience: str, *, now: datetime | None = None) -> Sample:
    """The newest people of an audience; ten seconds old at most. An unknown one has nobody.

    Without `now` values that have expired count as known: whether anybody has a field at all.
    """
    key = (current_tenant_id(), audience, now is not None)
    held = _samples.get(key)
    if held is not None and held[0] > time.monotonic():
        return held[1]
    sample = _read(audience, now)
    while len(_samples) >= _KEPT:
        _samples.pop(next(iter(_samples)), None)
    _samples[key] = (time.monotonic() + _SECONDS, sample)
    return sample


def known_facts(people: Sequence[Person], *, now: datetime | None) -> list[dict[str, Any]]:
    """What a render knows of each of these, as when a text goes out. Eleven queries at most."""
    tenant = Tenant.objects.get(id=current_tenant_id())
    brand = {"name": tenant.name, "shop_url": tenant.shop_url}
    contacts = contacts_by_id({one.contact_id for one in people})
    rules = attribute_rules()
    refs = [FactRef(one.contact_id, one.properties, one.product_key) for one in people]
    bought = commerce_facts_for(refs, now=now or business_now()) if refs else []
    return [
        {
            **live,
            "event": one.properties,
            **contact_words(contacts.get(one.contact_id), rules, now=now),
            "brand": brand,
            "links": {},
        }
        for one, live in zip(people, bought, strict=True)
    ]


def contact_words(
    contact: ContactFacts | None, rules: Rules, *, now: datetime | None
) -> dict[str, Any]:
    """`contact`: what a text may say of somebody; `unfit`: why a stored value is not among it."""
    if contact is None:
        return {"contact": {}, "unfit": {}}
    values = {
        **contact.attributes,
        "external_id": contact.external_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "city": contact.city,
        "region": contact.region,
        "country": contact.country,
        "locale": contact.locale,
    }
    judged = judge(values, rules, told=contact.told, since=contact.updated_at, now=now)
    unfit = {name: flaw.reason for name, flaw in judged.unfit.items()}
    return {"contact": judged.fit, "unfit": unfit}


def person_in(audience: str, contact_id: UUID, *, now: datetime) -> Person:
    """A contact as the audience would have it: with its newest event of the name in 90 days."""
    kind, _, name = audience.partition(":")
    if kind == "requests":
        asked = BackInStockRequest.objects.filter(contact_id=contact_id).order_by("-requested_at")
        key = asked.values_list("product__key", flat=True).first()
        return Person(contact_id, product_key=key)
    if kind == "event":
        happened = events_for([contact_id], [name], since=now - _LOOK_BACK, until=now)
        return Person(contact_id, happened[-1].properties if happened else {})
    return Person(contact_id)


def _read(audience: str, now: datetime | None) -> Sample:
    kind, _, name = audience.partition(":")
    load = _loaders.get(kind)
    people = list(load(name, SAMPLE)) if load is not None else []
    contacts = contacts_by_id({one.contact_id for one in people})
    people = [
        one
        for one in people
        if one.contact_id in contacts and contacts[one.contact_id].erased_at is None
    ]
    return Sample(
        tuple(contacts[one.contact_id] for one in people), tuple(known_facts(people, now=now))
    )


def _everybody(_: str, limit: int) -> list[Person]:
    return [Person(contact.id) for contact in list_contacts(limit=limit).contacts]


def _happened(name: str, limit: int) -> list[Person]:
    """Each contact once, with its newest event."""
    newest: dict[UUID, Person] = {}
    for row in newest_named(name, limit=2 * limit):
        if row.contact_id is not None and row.contact_id not in newest:
            newest[row.contact_id] = Person(row.contact_id, row.properties)
    return list(newest.values())[:limit]


def _asked(_: str, limit: int) -> list[Person]:
    rows = BackInStockRequest.objects.filter(fulfilled_at=None).order_by("-id")
    found = rows.values_list("contact_id", "product__key")[:limit]
    return [Person(contact_id, product_key=key) for contact_id, key in found]


_loaders: dict[str, Loader] = {"": _everybody, "event": _happened, "requests": _asked}
_samples: dict[tuple[UUID, str, bool], tuple[float, Sample]] = {}
