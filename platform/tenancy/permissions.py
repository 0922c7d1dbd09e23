"""One table of who may do what; it drives pages, API keys, invitations and tests."""

from __future__ import annotations

PERMISSIONS: dict[str, str] = {
    "view": "See the workspace",
    "view_pii": "See whole phone numbers and e-mail addresses",
    "edit_messages": "Write flows and templates",
    "publish": "Put flows and templates live, pause them",
    "manage_contacts": "Add and change contacts",
    "erase_contacts": "Erase people for good",
    "send": "Answer people, send test texts",
    "manage_settings": "Quiet hours, caps, sending",
    "manage_keys": "API keys and write keys",
    "manage_team": "Invite people, change roles",
    "manage_clients": "Add clients, copy flows and templates to them",
    "manage_owners": "Make owners and take them away",
}
_EVERYTHING = frozenset(PERMISSIONS)
ROLES: dict[str, frozenset[str]] = {
    "owner": _EVERYTHING,
    "admin": _EVERYTHING - {"manage_owners"},
    "marketer": frozenset(
        {"view", "view_pii", "edit_messages", "publish", "manage_contacts", "send"}
    ),
    "approver": frozenset({"view", "edit_messages", "publish"}),
    "analyst": frozenset({"view"}),
    "support": frozenset({"view", "view_pii", "manage_contacts", "send"}),
    "developer": frozenset({"view", "manage_keys"}),
}

# What a key may do, somebody must be allowed to do who makes it.
SCOPE_NEEDS: dict[str, str] = {
    "events:write": "manage_keys",
    "events:read": "view",
    "events:manage": "publish",
    "contacts:read": "view_pii",
    "contacts:write": "manage_contacts",
    "contacts:erase": "erase_contacts",
    "consent:read": "view_pii",
    "consent:write": "manage_contacts",
    "products:read": "view",
    "products:write": "manage_keys",
    "messages:read": "view_pii",
    "messages:write": "send",
    "flows:read": "view",
    "flows:write": "publish",
    "campaigns:read": "view",
    "campaigns:write": "publish",
    "segments:read": "view",
    "segments:write": "edit_messages",
    "templates:read": "view",
    "templates:write": "publish",
    "webhooks:manage": "manage_keys",
    "connectors:manage": "manage_keys",
    "gateway:read": "view",
    "keys:read": "manage_keys",
    "keys:write": "manage_keys",
}


def can(role: str, permission: str) -> bool:
    """Raises `KeyError` for a permission that does not exist: a typo must not allow or refuse."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)
    return permission in ROLES.get(role, frozenset())


def may_give_scope(role: str, scope: str) -> bool:
    """Whether somebody with `role` may make a key with this scope; an unknown one nobody may."""
    return scope in SCOPE_NEEDS and can(role, "manage_keys") and can(role, SCOPE_NEEDS[scope])


def can_grant(role: str, other: str) -> bool:
    """Whether somebody with `role` may make or change a member with the role `other`: nobody
    gives away, or takes from others, what they do not have themselves."""
    return can(role, "manage_team") and other in ROLES and ROLES[other] <= ROLES[role]


def grantable_roles(role: str) -> list[str]:
    """The roles that somebody with `role` may give, the strongest first."""
    return [other for other in ROLES if can_grant(role, other)]
