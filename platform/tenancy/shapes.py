"""Pieces of API shapes that every app uses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.drainage import set_override
from rest_framework import serializers

from tenancy.ids import InvalidId, parse_id


class IdField(serializers.CharField):
    """A typed id such as `con_018f...`. Read from a query or a body it is a UUID."""

    default_error_messages = {"invalid_id": "This is no {prefix}_ id."}

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        self.prefix = prefix
        super().__init__(**kwargs)
        pattern: dict[str, Any] = {"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{32}}$"}
        told = pattern | ({"nullable": True} if kwargs.get("allow_null") else {})
        set_override(self, "field", told)

    def to_internal_value(self, data: Any) -> UUID:  # type: ignore[override]
        try:
            return parse_id(self.prefix, super().to_internal_value(data))
        except InvalidId:
            self.fail("invalid_id", prefix=self.prefix)


def masked_phone(phone: str) -> str:
    """`+•••••42`; "" stays."""
    return f"+•••••{phone[-2:]}" if phone else ""
