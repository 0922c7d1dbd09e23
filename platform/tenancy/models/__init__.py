"""Who may see what: organizations, workspaces, people, keys, the audit log."""

from tenancy.models.answers import IdempotentAnswer
from tenancy.models.audit import AuditEntry
from tenancy.models.base import TenantForeignKey, TenantManager, TenantModel
from tenancy.models.clock import ClockOffset
from tenancy.models.invites import Invite
from tenancy.models.keys import ApiKey, WriteKey
from tenancy.models.organizations import Membership, Organization, Tenant
from tenancy.models.rollups import RollupModel
from tenancy.models.users import LoginAttempt, User

__all__ = [
    "ApiKey",
    "AuditEntry",
    "ClockOffset",
    "IdempotentAnswer",
    "Invite",
    "LoginAttempt",
    "Membership",
    "Organization",
    "RollupModel",
    "Tenant",
    "TenantForeignKey",
    "TenantManager",
    "TenantModel",
    "User",
    "WriteKey",
]
