"""Many contacts changed at once by somebody who chose them: one attribute, or an opt-out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from api.problems import FieldError, Invalid
from consent.core.pasting import flaw_of
from consent.domain.opt_outs import OptOut
from consent.domain.queries import unsubscribed_among
from delivery.domain.opting_out import ended_types, take_opt_outs
from events.domain.contacts import LIVE_LIMIT
from events.domain.recording import append_events, contact_changed
from events.models import Lane
from people.core.traits import read_traits
from people.domain.attributes import TraitChange, change_contacts
from people.domain.definitions import attribute_rules
from people.domain.facts import ContactFacts, read_facts
from people.domain.queries import lock_contacts, workspace_defaults
from tenancy.audit import record_audit
from tenancy.models import ApiKey, User

MOST = 1000
LONGEST_REASON = 200
AGENT = "agent"


@dataclass(frozen=True, slots=True)
class BulkDone:
    """Each contact counts once. `skipped`: gone (erased, merged, of nobody here), or for an
    opt-out without a number. `canceled`: texts that waited and never go now."""

    changed: int
    unchanged: int
    skipped: int
    canceled: int = 0


@transaction.atomic
def change_attribute_of(
    contact_ids: Sequence[UUID],
    name: str,
    value: Any,
    *,
    by: str,
    actor: User | ApiKey | None = None,
    now: datetime,
) -> BulkDone:
    """Gives the contacts the value, or takes it away (None). Appends "Contact Changed" for whom it
    really changed. The number of queries does not depend on how many they are.

    Raises `Invalid`: nobody or too many, a name that is no attribute, a value not of its type.
    """
    ids = _chosen(contact_ids)
    traits = read_traits(
        {name: value}, country=workspace_defaults().country, rules=attribute_rules()
    )
    if traits.unfit:
        raise Invalid([FieldError("value", each.code, each.detail) for each in traits.unfit])
    if traits.errors or not traits.attributes:
        raise Invalid([FieldError("name", "reserved_name", "This is no name of an attribute.")])
    present = _present(ids)
    done = change_contacts([TraitChange(one.id, traits, by=by) for one in present], now=now)
    append_events(
        contact_changed(done.changed, occurred_at=now), now=now, lane=_lane(len(done.changed))
    )
    changed = len({each.contact_id for each in done.changed})
    data = {"attribute": name, "cleared": value is None, "changed": changed, "chosen": len(ids)}
    record_audit("contacts.changed", data=data, actor=actor, now=now)
    return BulkDone(changed, len(present) - changed, len(ids) - len(present))


@transaction.atomic
def opt_out_many(
    contact_ids: Sequence[UUID],
    reason: str,
    *,
    actor: User | ApiKey | None = None,
    now: datetime,
) -> BulkDone:
    """Writes down that these contacts want no more texts; what waits for them never goes, and
    nobody is told by text. The number of queries does not depend on how many they are.

    Raises `Invalid`: nobody or too many, no reason.
    """
    ids = _chosen(contact_ids)
    reason = reason.strip()
    if not reason:
        raise Invalid([FieldError("reason", "missing", "Say how they told you.")])
    if flaw := flaw_of("reason", reason, longest=LONGEST_REASON):
        raise Invalid([FieldError("reason", *flaw)])
    reached = [one for one in _present(ids) if one.phone]
    phones = [str(one.phone) for one in reached]
    before = unsubscribed_among(phones, ended_types(AGENT))
    name = _name(actor)
    canceled = take_opt_outs(
        [
            OptOut(
                phone=phone,
                contact_id=one.id,
                source=AGENT,
                evidence={"told": reason, "entered_by": name},
                occurred_at=now,
                rule="by hand",
                actor=name,
            )
            for one, phone in zip(reached, phones, strict=True)
        ],
        lane=_lane(len(reached)),
        now=now,
    )
    changed = len(set(phones) - before)
    data = {"changed": changed, "canceled": canceled, "chosen": len(ids)}
    record_audit("contacts.opted_out", data=data, actor=actor, now=now)
    return BulkDone(changed, len(reached) - changed, len(ids) - len(reached), canceled)


def _chosen(contact_ids: Sequence[UUID]) -> list[UUID]:
    ids = sorted(set(contact_ids))
    if not ids:
        raise Invalid([FieldError("contacts", "missing", "Choose at least one contact.")])
    if len(ids) > MOST:
        raise Invalid([FieldError("contacts", "too_many", f"At most {MOST:,} at once.")])
    return ids


def _present(ids: Sequence[UUID]) -> list[ContactFacts]:
    found = read_facts(lock_contacts(ids)).values()
    return [one for one in found if one.erased_at is None and one.merged_into_id is None]


def _lane(many: int) -> str:
    return Lane.LIVE if many <= LIVE_LIMIT else Lane.BULK


def _name(actor: User | ApiKey | None) -> str:
    if isinstance(actor, User):
        return f"user:{actor.email}"
    return f"key:{actor.prefix}" if actor else ""
