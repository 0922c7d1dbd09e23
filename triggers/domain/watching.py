"""Which dates a workspace watches: made, filled, listed, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from api.problems import FieldError, Invalid, NotFound, Problem
from events.domain.listening import set_listener
from people.core.kinds import BIRTHDAY
from people.domain.definitions import read_rules
from people.domain.queries import lock_contacts
from tenancy.audit import record_audit
from tenancy.ids import InvalidId, parse_id
from tenancy.models import ApiKey, User
from tenancy.scope import current_tenant_id, tenant_scope
from tenancy.waking import wake
from triggers.core.dates import BUYING, MOST_DAYS, OBJECTS, WATCHED_KINDS, WORKED, is_time
from triggers.domain.dates import arm_contacts, names_heard
from triggers.models import DateDue, WatchedDate

MOST = 20
FILLED_AT_ONCE = 1000
_HAVE_ONE = {
    "attribute": "c.attributes -> %(field)s IS NOT NULL",
    "buying": "EXISTS (SELECT 1 FROM commerce_buyingsummary s"
    " WHERE s.tenant_id = c.tenant_id AND s.contact_id = c.id)",
    "object": "EXISTS (SELECT 1 FROM commerce_customobject o WHERE o.tenant_id = c.tenant_id"
    " AND o.contact_id = c.id AND o.kind = %(kind)s AND o.is_open)",
}


@dataclass(frozen=True, slots=True)
class WatchFacts:
    """`waiting`: for how many contacts (or objects) it is still to come; `next_at`: the first."""

    watch: WatchedDate
    waiting: int
    next_at: datetime | None


def field_choices() -> list[tuple[str, str]]:
    """(name, label) of every date of this workspace that can be watched."""
    rules = read_rules().by_name
    own = sorted(
        name for name, rule in rules.items() if rule.is_declared and rule.kind in WATCHED_KINDS
    )
    labels = [(name, name.replace("_", " ").capitalize()) for name in own]
    return [*labels, *WORKED.items()]


@transaction.atomic
def watch_date(
    field: str,
    *,
    days: int = 0,
    at: str = "09:00",
    is_yearly: bool = False,
    now: datetime,
    actor: User | ApiKey | None = None,
) -> WatchedDate:
    """From now on reaching it is an event. Filled in the background: who has the date already is
    told when it comes, and nobody of what is past.

    Raises `Invalid`; `Problem` already_watched or too_many_dates (409).
    """
    kind = _check(field, days, at)
    is_yearly = is_yearly or kind == BIRTHDAY
    if WatchedDate.objects.count() >= MOST:
        detail = f"A workspace watches at most {MOST} dates."
        raise Problem("too_many_dates", detail, status=409)
    watch = WatchedDate(field=field, days=days, at=at, is_yearly=is_yearly, created_at=now)
    try:
        with transaction.atomic():
            watch.save(force_insert=True)
    except IntegrityError:
        detail = "This date is watched with the same days and time."
        raise Problem("already_watched", detail, status=409) from None
    set_listener(_owner(watch.id), names_heard(field))
    data = {"field": field, "days": days, "at": at, "yearly": is_yearly}
    record_audit("date.watched", target=str(watch.id), data=data, actor=actor, now=now)
    wake("triggers.work", tenant_id=str(current_tenant_id()))
    return watch


@transaction.atomic
def unwatch_date(watch_id: UUID, *, now: datetime, actor: User | ApiKey | None = None) -> None:
    """No event from now on. Raises `NotFound`."""
    watch = WatchedDate.objects.select_for_update().filter(id=watch_id).first()
    if watch is None:
        raise NotFound("This watched date")
    set_listener(_owner(watch.id), ())
    DateDue.objects.filter(watch=watch).delete()
    watch.delete()
    data = {"field": watch.field, "days": watch.days, "at": watch.at}
    record_audit("date.unwatched", target=str(watch_id), data=data, actor=actor, now=now)


def read_watch_id(text: str) -> UUID:
    """From `dat_...`. Raises `NotFound`."""
    try:
        return parse_id("dat", text)
    except InvalidId:
        raise NotFound("This watched date") from None


def list_watches(watches: Sequence[WatchedDate] | None = None) -> list[WatchFacts]:
    """All, or these, with how many wait. Two queries."""
    rows = list(WatchedDate.objects.order_by("id")) if watches is None else list(watches)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT watch_id, count(due_at), min(due_at) FROM triggers_datedue"
            " WHERE tenant_id = %s AND watch_id = ANY(%s) GROUP BY watch_id",
            [current_tenant_id(), [row.id for row in rows]],
        )
        counted = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    return [WatchFacts(row, *counted.get(row.id, (0, None))) for row in rows]


def fill_dates(tenant_id: UUID, *, now: datetime, limit: int = FILLED_AT_ONCE) -> int:
    """Works out the next contacts of one new watch; returns how many it looked at, and 1 when it
    ended. Opens its own scope."""
    with tenant_scope(tenant_id):
        watch = (
            WatchedDate.objects.select_for_update(skip_locked=True)
            .filter(state=WatchedDate.State.FILLING)
            .order_by("id")
            .first()
        )
        if watch is None:
            return 0
        contact_ids = _next_contacts(watch, limit)
        if contact_ids:
            arm_contacts(lock_contacts(contact_ids), now=now, watches=[watch])
            watch.after_contact = contact_ids[-1]
        else:
            watch.state = WatchedDate.State.LIVE
        watch.save(update_fields=["after_contact", "state"])
        return max(len(contact_ids), 1)


def refill_dates(field: str) -> None:
    """Looks at everybody again after the type of an attribute was changed."""
    changed = WatchedDate.objects.filter(field=field).update(
        state=WatchedDate.State.FILLING, after_contact=None
    )
    if changed:
        wake("triggers.work", tenant_id=str(current_tenant_id()))


def _next_contacts(watch: WatchedDate, limit: int) -> list[UUID]:
    kind = (
        "buying" if watch.field in BUYING else "object" if watch.field in OBJECTS else "attribute"
    )
    after = "" if watch.after_contact is None else " AND c.id > %(after)s"
    # Who lost the date since an earlier filling has a row that must go.
    held = (
        "EXISTS (SELECT 1 FROM triggers_datedue d WHERE d.tenant_id = c.tenant_id"
        " AND d.contact_id = c.id AND d.watch_id = %(watch)s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id FROM people_contact c WHERE c.tenant_id = %(tenant)s"
            f" AND c.erased_at IS NULL{after} AND ({_HAVE_ONE[kind]} OR {held})"
            " ORDER BY c.id LIMIT %(limit)s",
            {
                "tenant": current_tenant_id(),
                "after": watch.after_contact,
                "field": watch.field,
                "kind": OBJECTS.get(watch.field, ""),
                "watch": watch.id,
                "limit": limit,
            },
        )
        return [row[0] for row in cursor.fetchall()]


def _check(field: str, days: int, at: str) -> str:
    """The kind of the date. Raises `Invalid`."""
    errors = []
    rule = read_rules().get(field)
    if field not in WORKED and (
        rule is None or not rule.is_declared or rule.kind not in WATCHED_KINDS
    ):
        detail = "Name an attribute that is declared as a date, or a date that Kairos works out."
        errors.append(FieldError("field", "not_a_date", detail))
    if not -MOST_DAYS <= days <= MOST_DAYS:
        detail = f"From {MOST_DAYS} days before to {MOST_DAYS} days after."
        errors.append(FieldError("days", "out_of_range", detail))
    if not is_time(at):
        detail = "Write a time of day such as 09:00."
        errors.append(FieldError("at", "invalid_format", detail))
    if errors:
        raise Invalid(errors)
    return rule.kind if rule is not None else ""


def _owner(watch_id: UUID) -> str:
    return f"date:{watch_id}"
