"""From identifiers to contacts, for whole sets, safe when the same new person arrives twice at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from people.core.identifiers import IdentityRef
from people.domain.binding import Attachment, Conflict, Plan, Resolution
from people.domain.identifiers import Held, read_owners
from people.domain.inserting import BY_EVENT, Origin, write_plan

__all__ = [
    "Attachment",
    "Conflict",
    "Held",
    "IdentityRef",
    "Origin",
    "Resolution",
    "resolve",
    "resolve_contacts",
]

_TRIES = 6


def resolve_contacts(
    refs: Sequence[IdentityRef], *, origin: Origin = BY_EVENT, now: datetime
) -> list[UUID | None]:
    """The contact of each ref, made when nobody has any of its identifiers. See `resolve`."""
    return resolve(refs, origin=origin, now=now).ids


def resolve(refs: Sequence[IdentityRef], *, origin: Origin = BY_EVENT, now: datetime) -> Resolution:
    """Finds or makes the contact of every ref; binds identifiers that nobody has yet.

    external_id decides before phone, e-mail and anonymous id. A contact keeps the external id it
    has: another one beside a known phone means another person, and the phone stays where it is
    (a conflict). An anonymous id of a visitor without any other identifier moves to the person it
    is now named with. One query when everybody is known; safe against concurrent calls that make
    the same person. Call it before `lock_contacts`, never after.
    """
    for _ in range(_TRIES):
        plan = Plan(refs, read_owners(refs))
        plan.decide()
        if not plan.changes_anything:
            return plan.result
        plan.keep_to_limits(now)
        if write_plan(plan, now, origin):
            return plan.result
    raise RuntimeError("Identifiers kept changing hands; nothing was written.")
