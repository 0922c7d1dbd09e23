"""From identifiers to contacts, for whole sets, safe when the same new person arrives twice at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from people.core.identifiers import (
    ANONYMOUS_ID,
    EMAIL,
    EXTERNAL_ID,
    LIMITS,
    PHONE,
    WEEKLY_ANONYMOUS_IDS,
    IdentityRef,
    clean_phone,
)
from people.domain.literals import text_array
from people.domain.queries import lock_contacts
from people.domain.searching import index_contacts
from tenancy.ids import new_id
from tenancy.scope import current_tenant_id

__all__ = [
    "Attachment",
    "Conflict",
    "Held",
    "IdentityRef",
    "Resolution",
    "resolve",
    "resolve_contacts",
]

Key = tuple[str, str]
_TRIES = 6
_ADDRESSES = (PHONE, EMAIL)
_OWN_FIELD = {EXTERNAL_ID: "external_id", PHONE: "phone", EMAIL: "email"}


@dataclass(slots=True)
class Held:
    """What resolving has read of a contact. `is_new` when this call made it."""

    external_id: str | None = None
    phone: str | None = None
    email: str | None = None
    timezone: str = ""
    timezone_source: str = ""
    is_new: bool = False

    @property
    def is_anonymous(self) -> bool:
        return not (self.external_id or self.phone or self.email)


@dataclass(frozen=True, slots=True)
class Attachment:
    """An identifier newly bound to a contact: phones and e-mails to any, ids to older ones.

    A second phone or e-mail is not primary: the contact keeps the one it has.
    """

    ref: int
    contact_id: UUID
    kind: str
    value: str
    is_primary: bool = True


@dataclass(frozen=True, slots=True)
class Conflict:
    """An identifier that belongs to somebody else, or is one too many: not bound, not merged."""

    ref: int
    contact_id: UUID
    kind: str
    owner_id: UUID | None


@dataclass(slots=True)
class Resolution:
    """`ids[i]` is the contact of `refs[i]`, None when that names nobody."""

    ids: list[UUID | None] = field(default_factory=list)
    held: dict[UUID, Held] = field(default_factory=dict)
    attached: list[Attachment] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def resolve_contacts(refs: Sequence[IdentityRef], *, now: datetime) -> list[UUID | None]:
    """The contact of each ref, made when nobody has any of its identifiers. See `resolve`."""
    return resolve(refs, now=now).ids


def resolve(refs: Sequence[IdentityRef], *, now: datetime) -> Resolution:
    """Finds or makes the contact of every ref; binds identifiers that nobody has yet.

    external_id decides before phone, e-mail and anonymous id. A contact keeps the external id it
    has: another one beside a known phone means another person, and the phone stays where it is
    (a conflict). An anonymous id of a visitor without any other identifier moves to the person it
    is now named with. One query when everybody is known; safe against concurrent calls that make
    the same person. Call it before `lock_contacts`, never after.
    """
    for _ in range(_TRIES):
        plan = _Plan(refs, _read_owners(refs))
        plan.decide()
        if not plan.changes_anything:
            return plan.result
        plan.keep_to_limits(now)
        if _write(plan, now):
            return plan.result
    raise RuntimeError("Identifiers kept changing hands; nothing was written.")


class _Plan:
    """What to write so that every ref has its contact. Decides in memory, in the refs' order."""

    def __init__(
        self, refs: Sequence[IdentityRef], known: tuple[dict[Key, UUID], dict[UUID, Held]]
    ) -> None:
        self.refs = refs
        self.owners, self.held = known
        self.result = Resolution(held=self.held)
        self.new: list[UUID] = []
        self.identifiers: dict[Key, tuple[UUID, bool]] = {}
        self.moves: dict[Key, tuple[UUID, UUID]] = {}
        self.fields: dict[UUID, dict[str, str]] = defaultdict(dict)

    @property
    def changes_anything(self) -> bool:
        return bool(self.new or self.identifiers or self.moves)

    def decide(self) -> None:
        for index, ref in enumerate(self.refs):
            keys = ref.pairs()
            if not keys:
                self.result.ids.append(None)
                continue
            contact_id = self._find(ref, keys)
            if contact_id is None:
                contact_id = new_id()
                self.new.append(contact_id)
                self.held[contact_id] = Held(is_new=True)
            self.result.ids.append(contact_id)
            for key in keys:
                if self.owners.get(key) != contact_id:
                    self._bind(index, key, contact_id)

    def _find(self, ref: IdentityRef, keys: list[Key]) -> UUID | None:
        for key in keys:
            owner = self.owners.get(key)
            if owner is None:
                continue
            theirs = self.held[owner].external_id
            if ref.external_id and theirs and theirs != ref.external_id:
                continue
            return owner
        return None

    def _bind(self, index: int, key: Key, contact_id: UUID) -> None:
        kind, value = key
        owner = self.owners.get(key)
        mine = self.held[contact_id]
        if owner is not None:
            if kind == ANONYMOUS_ID:
                # Somebody else's device stays theirs; a nameless visitor's becomes this person's.
                if self.held[owner].is_anonymous and not mine.is_anonymous:
                    self._move(index, key, owner, contact_id)
                return
            self.result.conflicts.append(Conflict(index, contact_id, kind, owner))
            return
        field_name = _OWN_FIELD.get(kind)
        is_primary = field_name is not None and getattr(mine, field_name) is None
        if kind == EXTERNAL_ID and not is_primary:
            self.result.conflicts.append(Conflict(index, contact_id, kind, None))
            return
        self.owners[key] = contact_id
        self.identifiers[key] = (contact_id, is_primary)
        if is_primary and field_name is not None:
            setattr(mine, field_name, value)
            self.fields[contact_id][field_name] = value
        if not mine.is_new or kind in _ADDRESSES:
            self.result.attached.append(Attachment(index, contact_id, kind, value, is_primary))

    def _move(self, index: int, key: Key, owner: UUID, contact_id: UUID) -> None:
        self.owners[key] = contact_id
        if key in self.identifiers:
            self.identifiers[key] = (contact_id, False)
        else:
            self.moves[key] = (owner, contact_id)
        self.result.attached.append(Attachment(index, contact_id, *key))

    def keep_to_limits(self, now: datetime) -> None:
        """Takes back identifiers that would be one too many for their contact."""
        taken: dict[tuple[UUID, str], list[int]] = {}
        older = {cid for cid, _ in self.identifiers.values()} | {
            to for _, to in self.moves.values()
        }
        older -= set(self.new)
        if older:
            taken = _read_counts(older, now)
        for key, (contact_id, is_primary) in list(self.identifiers.items()):
            if not is_primary and not self._has_room(taken, contact_id, key[0]):
                del self.identifiers[key]
                self._refuse(key, contact_id)
        for key, (_, contact_id) in list(self.moves.items()):
            if not self._has_room(taken, contact_id, key[0]):
                del self.moves[key]
                self._refuse(key, contact_id)

    def _has_room(
        self, taken: dict[tuple[UUID, str], list[int]], contact_id: UUID, kind: str
    ) -> bool:
        counts = taken.setdefault((contact_id, kind), [0, 0])
        weekly = kind == ANONYMOUS_ID and not self.held[contact_id].is_new
        if counts[0] >= LIMITS[kind] or (weekly and counts[1] >= WEEKLY_ANONYMOUS_IDS):
            return False
        counts[0] += 1
        counts[1] += 1
        return True

    def _refuse(self, key: Key, contact_id: UUID) -> None:
        self.result.attached = [
            each for each in self.result.attached if (each.kind, each.value) != key
        ]
        if key[0] != ANONYMOUS_ID:
            ref = next(index for index, each in enumerate(self.refs) if key in each.pairs())
            self.result.conflicts.append(Conflict(ref, contact_id, key[0], None))


def _read_owners(refs: Sequence[IdentityRef]) -> tuple[dict[Key, UUID], dict[UUID, Held]]:
    keys = {key for ref in refs for key in ref.pairs()}
    owners: dict[Key, UUID] = {}
    held: dict[UUID, Held] = {}
    if not keys:
        return owners, held
    pairs = sorted(keys)
    tenant_id = current_tenant_id()
    with connection.cursor() as cursor:
        # LATERAL with LIMIT can only run as index probes per key. A plain join is planned as a
        # scan while statistics are young, and then an event costs more the more people there are.
        cursor.execute(
            """
            SELECT wanted.kind, wanted.value, bound.contact_id, contact.*
            FROM unnest(%s::text[], %s::text[]) AS wanted(kind, value)
            CROSS JOIN LATERAL (
                SELECT i.contact_id FROM people_identifier i
                WHERE i.tenant_id = %s AND i.kind = wanted.kind AND i.value = wanted.value
                LIMIT 1
            ) AS bound
            CROSS JOIN LATERAL (
                SELECT c.external_id, c.phone, c.email, c.timezone, c.timezone_source
                FROM people_contact c WHERE c.tenant_id = %s AND c.id = bound.contact_id
                LIMIT 1
            ) AS contact
            """,
            [
                text_array(kind for kind, _ in pairs),
                text_array(value for _, value in pairs),
                tenant_id,
                tenant_id,
            ],
        )
        for kind, value, contact_id, *rest in cursor.fetchall():
            owners[kind, value] = contact_id
            if contact_id not in held:
                held[contact_id] = Held(*rest)
    return owners, held


def _read_counts(contacts: set[UUID], now: datetime) -> dict[tuple[UUID, str], list[int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT contact_id, kind, count(*), count(*) FILTER (WHERE first_seen_at > %s)
            FROM people_identifier WHERE tenant_id = %s AND contact_id = ANY(%s)
            GROUP BY contact_id, kind
            """,
            [now - timedelta(days=7), current_tenant_id(), sorted(contacts)],
        )
        return {(row[0], row[1]): [row[2], row[3]] for row in cursor.fetchall()}


def _write(plan: _Plan, now: datetime) -> bool:
    """Writes the plan; False when somebody else was first, with nothing written."""
    point = transaction.savepoint()
    if _insert_all(plan, now):
        transaction.savepoint_commit(point)
        return True
    transaction.savepoint_rollback(point)
    return False


def _lock_owners(plan: _Plan) -> None:
    """Locks everybody the refs name who was there before, when any of them gets an address.

    All at once and first of all: the caller locks the same people next to write their traits, and
    whoever locked only some of them here would then wait crosswise with another call. Without the
    lock, of two calls that each add a number the later would forget the earlier's tokens.
    """
    found_by = {owner for (kind, _), (owner, _) in plan.identifiers.items() if kind in _ADDRESSES}
    if (found_by | set(plan.fields)).difference(plan.new):
        lock_contacts({each for each in plan.result.ids if each is not None}.difference(plan.new))


def _insert_all(plan: _Plan, now: datetime) -> bool:
    tenant_id = current_tenant_id()
    _lock_owners(plan)
    with connection.cursor() as cursor:
        if plan.new:
            own = [plan.held[contact_id] for contact_id in plan.new]
            cursor.execute(
                """
                INSERT INTO people_contact (id, tenant_id, external_id, phone, phone_type, email,
                    first_name, last_name, locale, timezone, timezone_source, city, region,
                    postal_code, country, attributes, created_at, updated_at)
                SELECT id, %s, external_id, phone, phone_type, email,
                    '', '', '', '', '', '', '', '', '', '{}', %s, %s
                FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
                  AS made(id, external_id, phone, phone_type, email)
                """,
                [
                    tenant_id,
                    now,
                    now,
                    plan.new,
                    [held.external_id for held in own],
                    [held.phone for held in own],
                    [phone_type(held.phone) for held in own],
                    [held.email for held in own],
                ],
            )
        # Sorted, so that two calls which share several new identifiers wait for each other in
        # one order; the loser finds its rows missing from the count and starts over.
        rows = sorted(plan.identifiers.items())
        if rows:
            cursor.execute(
                """
                INSERT INTO people_identifier
                    (id, tenant_id, kind, value, contact_id, is_primary, first_seen_at)
                SELECT id, %s, kind, value, contact_id, is_primary, %s
                FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::boolean[])
                  AS made(id, kind, value, contact_id, is_primary)
                ON CONFLICT DO NOTHING
                """,
                [
                    tenant_id,
                    now,
                    [new_id() for _ in rows],
                    [key[0] for key, _ in rows],
                    [key[1] for key, _ in rows],
                    [owner for _, (owner, _) in rows],
                    [is_primary for _, (_, is_primary) in rows],
                ],
            )
            if cursor.rowcount != len(rows):
                return False
        if not (_move_all(plan, now) and _fill_fields(plan, now)):
            return False
    index_contacts({owner for (kind, _), (owner, _) in rows if kind in _ADDRESSES})
    return True


def _move_all(plan: _Plan, now: datetime) -> bool:
    if not plan.moves:
        return True
    rows = sorted(plan.moves.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_identifier i SET contact_id = moved.target, first_seen_at = %s
            FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::uuid[])
              AS moved(kind, value, source, target)
            WHERE i.tenant_id = %s AND i.kind = moved.kind AND i.value = moved.value
              AND i.contact_id = moved.source
            """,
            [
                now,
                [key[0] for key, _ in rows],
                [key[1] for key, _ in rows],
                [source for _, (source, _) in rows],
                [target for _, (_, target) in rows],
                current_tenant_id(),
            ],
        )
        return int(cursor.rowcount) == len(rows)


def _fill_fields(plan: _Plan, now: datetime) -> bool:
    """Own id, phone and e-mail of contacts that were there before and had none."""
    rows = {cid: values for cid, values in plan.fields.items() if not plan.held[cid].is_new}
    if not rows:
        return True
    ids = sorted(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE people_contact c SET
                external_id = COALESCE(c.external_id, given.external_id),
                phone_type = CASE WHEN c.phone IS NULL AND given.phone IS NOT NULL
                                  THEN given.phone_type ELSE c.phone_type END,
                phone = COALESCE(c.phone, given.phone),
                email = COALESCE(c.email, given.email),
                updated_at = GREATEST(c.updated_at, %s)
            FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
              AS given(id, external_id, phone, phone_type, email)
            WHERE c.tenant_id = %s AND c.id = given.id AND c.id = ANY(%s)
            """,
            [
                now,
                ids,
                [rows[each].get("external_id") for each in ids],
                [rows[each].get("phone") for each in ids],
                [phone_type(rows[each].get("phone")) for each in ids],
                [rows[each].get("email") for each in ids],
                current_tenant_id(),
                ids,
            ],
        )
        return int(cursor.rowcount) == len(rows)


def phone_type(phone: str | None) -> str:
    """What kind of line an E.164 number is; "" without a number."""
    if not phone:
        return ""
    try:
        return clean_phone(phone, "")[1]
    except ValueError:
        return "unknown"
