"""Which contact each identifier is bound to. Decides in memory; `inserting` writes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from people.core.identifiers import (
    ADDRESSES,
    ANONYMOUS_ID,
    EMAIL,
    EXTERNAL_ID,
    LIMITS,
    PHONE,
    WEEKLY_ANONYMOUS_IDS,
    IdentityRef,
)
from people.domain.identifiers import Held, Key, read_counts
from tenancy.ids import new_id

_OWN_FIELD = {EXTERNAL_ID: "external_id", PHONE: "phone", EMAIL: "email"}


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


@dataclass(frozen=True, slots=True)
class Recognized:
    """A nameless visitor gave the name of `person_id`; `device` is the anonymous id they share."""

    visitor_id: UUID
    person_id: UUID
    device: str


@dataclass(slots=True)
class Resolution:
    """`ids[i]` is the contact of `refs[i]`, None when that names nobody.

    `recognized`: visitors whose anonymous id went to a person; the rest of them has to follow.
    """

    ids: list[UUID | None] = field(default_factory=list)
    held: dict[UUID, Held] = field(default_factory=dict)
    attached: list[Attachment] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    recognized: list[Recognized] = field(default_factory=list)


class Plan:
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
            # Somebody merged is still found by the external id that is not theirs any more.
            if key[0] == EXTERNAL_ID:
                return owner
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
        if not mine.is_new or kind in ADDRESSES:
            self.result.attached.append(Attachment(index, contact_id, kind, value, is_primary))

    def _move(self, index: int, key: Key, owner: UUID, contact_id: UUID) -> None:
        self.owners[key] = contact_id
        if key in self.identifiers:
            self.identifiers[key] = (contact_id, False)
        else:
            self.moves[key] = (owner, contact_id)
        self.result.attached.append(Attachment(index, contact_id, *key))
        self.result.recognized.append(Recognized(owner, contact_id, key[1]))

    def keep_to_limits(self, now: datetime) -> None:
        """Takes back identifiers that would be one too many for their contact."""
        taken: dict[tuple[UUID, str], list[int]] = {}
        older = {cid for cid, _ in self.identifiers.values()} | {
            to for _, to in self.moves.values()
        }
        older -= set(self.new)
        if older:
            taken = read_counts(older, now)
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
        self.result.recognized = [
            each for each in self.result.recognized if (ANONYMOUS_ID, each.device) != key
        ]
        if key[0] != ANONYMOUS_ID:
            ref = next(index for index, each in enumerate(self.refs) if key in each.pairs())
            self.result.conflicts.append(Conflict(ref, contact_id, key[0], None))
