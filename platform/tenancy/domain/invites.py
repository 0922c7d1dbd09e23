"""Invitations: a one-time link into an organization, with a role and the clients it opens.

Making one never looks whether the e-mail has an account, so it cannot tell. Only who holds the
link learns something, about the one e-mail it is made for, at the speed log-ins are limited to.
`wall` is wall time, as for log-ins; `now` dates the audit log.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from api.problems import FieldError, Invalid, NotFound, Problem
from tenancy.domain.keys import hash_secret
from tenancy.domain.reach import Reach
from tenancy.domain.records import record_everywhere
from tenancy.models import Invite, Membership, Organization, Tenant, User
from tenancy.permissions import ROLES

LIVES = timedelta(days=7)


def create_invite(
    organization: Organization,
    *,
    email: str,
    role: str,
    workspaces: Sequence[Tenant] | None = None,
    by: Reach | None = None,
    wall: datetime,
    now: datetime,
) -> tuple[Invite, str]:
    """The invitation and its address, which is never to be seen again.

    `workspaces` None: all, also those to come. `by`: who invites; None is the installation's own
    operator. Raises `Invalid`, naming the field.
    """
    errors = []
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        errors.append(FieldError("email", "invalid", "Write an e-mail address."))
    errors += grant_errors(role, workspaces, organization=organization, by=by)
    if errors:
        raise Invalid(errors)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        invite = Invite.objects.create(
            organization=organization,
            email=email,
            role=role,
            all_workspaces=workspaces is None,
            token_hash=hash_secret(token),
            created_by=by.user if by else None,
            created_at=wall,
            expires_at=wall + LIVES,
        )
        if workspaces is not None:
            invite.workspaces.set(workspaces)
        _record("invite.created", invite, by.user if by else None, now)
    return invite, f"{settings.KAIROS_PUBLIC_BASE_URL}/invite/{token}/"


def grant_errors(
    role: str,
    workspaces: Collection[Tenant] | None,
    *,
    organization: Organization,
    by: Reach | None,
) -> list[FieldError]:
    """Why `by` cannot give this role in these clients, by the fields `role` and `workspaces`."""
    errors = []
    if role not in ROLES:
        errors.append(FieldError("role", "unknown_role", f"One of: {', '.join(ROLES)}."))
    elif by is not None and not by.may_grant(role):
        errors.append(
            FieldError("role", "not_yours", "You cannot give a role that may more than your own.")
        )
    if workspaces is not None and not workspaces:
        errors.append(FieldError("workspaces", "missing", "Choose at least one client."))
    elif any(one.organization_id != organization.id for one in workspaces or ()) or (
        by is not None and not (by.organization == organization and by.covers(workspaces))
    ):
        errors.append(FieldError("workspaces", "not_yours", "Only your own clients can be given."))
    return errors


def find_invite(token: str, *, wall: datetime) -> Invite:
    """The open invitation behind a link. Raises `Problem` invite_gone (404), whatever the cause:
    unknown, expired, revoked and used links answer alike."""
    return _find(token, wall=wall, lock=False)


def open_invites(organization: Organization, *, wall: datetime) -> list[Invite]:
    """Invitations that can still be accepted, the newest first. Two queries."""
    rows = Invite.objects.filter(
        organization=organization, accepted_at=None, revoked_at=None, expires_at__gt=wall
    )
    return list(
        rows.select_related("created_by").prefetch_related("workspaces").order_by("-created_at")
    )


@transaction.atomic
def revoke_invite(invite_id: UUID, *, by: Reach, wall: datetime, now: datetime) -> Invite:
    """The link opens nothing any more. Raises `NotFound`, also for one beyond `by`'s reach."""
    invite = (
        Invite.objects.select_for_update(of=["self"])
        .filter(id=invite_id, organization=by.organization, accepted_at=None, revoked_at=None)
        .first()
    )
    if invite is None or not (by.may_grant(invite.role) and by.covers(workspaces_of_grant(invite))):
        raise NotFound("This invitation")
    invite.revoked_at = wall
    invite.save(update_fields=["revoked_at"])
    _record("invite.revoked", invite, by.user, now)
    return invite


@transaction.atomic
def accept_as_new(token: str, *, name: str, password: str, wall: datetime, now: datetime) -> User:
    """Makes the account of the invited e-mail and joins. Raises `Invalid`, or `Problem`
    invite_gone (404) or not_accepted (409)."""
    invite = _find(token, wall=wall, lock=True)
    errors = []
    if not 0 < len(name.strip()) <= 120:
        errors.append(FieldError("name", "invalid", "Write your name, up to 120 letters."))
    user = User(email=invite.email, name=name.strip())
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors += [FieldError("password", "too_weak", message) for message in error.messages]
    if errors:
        raise Invalid(errors)
    try:
        with transaction.atomic():
            user = User.objects.create_user(invite.email, password, name=name.strip())
    except IntegrityError:
        raise Problem(
            "not_accepted",
            "That did not work. If you have used Kairos before, log in first and open this link "
            "again.",
            status=409,
        ) from None
    _join(invite, user, wall, now)
    return user


@transaction.atomic
def accept_invite(token: str, *, user: User, wall: datetime, now: datetime) -> Membership:
    """Joins somebody who is logged in with the invited e-mail. Raises `Problem` invite_gone (404)
    or another_person (403).

    Who is on the team already keeps the role and gains the clients.
    """
    invite = _find(token, wall=wall, lock=True)
    if user.email != invite.email:
        raise Problem("another_person", "This invitation is for another e-mail.", status=403)
    return _join(invite, user, wall, now)


def workspaces_of_grant(grant: Invite | Membership) -> list[Tenant] | None:
    """What an invitation or membership opens; None is everything."""
    return None if grant.all_workspaces else list(grant.workspaces.all())


def _find(token: str, *, wall: datetime, lock: bool) -> Invite:
    rows = Invite.objects.select_related("organization", "created_by")
    if lock:
        rows = rows.select_for_update(of=["self"])
    invite = rows.filter(
        token_hash=hash_secret(token), accepted_at=None, revoked_at=None, expires_at__gt=wall
    ).first()
    if invite is None:
        raise Problem(
            "invite_gone",
            "This link opens nothing: it was used, taken back, or is older than seven days. Ask "
            "for a new one.",
            status=404,
        )
    return invite


def _join(invite: Invite, user: User, wall: datetime, now: datetime) -> Membership:
    workspaces = workspaces_of_grant(invite)
    membership, fresh = Membership.objects.get_or_create(
        user=user,
        organization=invite.organization,
        defaults={
            "role": invite.role,
            "all_workspaces": invite.all_workspaces,
            "created_at": wall,
        },
    )
    if workspaces is None and not membership.all_workspaces:
        membership.all_workspaces = True
        membership.save(update_fields=["all_workspaces"])
    elif workspaces is not None and not membership.all_workspaces:
        membership.workspaces.add(*workspaces)
    invite.accepted_at = wall
    invite.save(update_fields=["accepted_at"])
    _record("member.joined" if fresh else "member.clients_added", invite, user, now)
    return membership


def _record(action: str, invite: Invite, actor: User | None, now: datetime) -> None:
    record_everywhere(
        action,
        organization=invite.organization,
        workspaces=workspaces_of_grant(invite),
        target=invite.email,
        data={"role": invite.role, "all_workspaces": invite.all_workspaces},
        actor=actor,
        now=now,
    )
