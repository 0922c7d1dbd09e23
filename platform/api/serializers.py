"""Bodies and queries that take nothing they do not know: a misspelled `dry_run` must not send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework import serializers

from api.problems import FieldError, Invalid


class Strict(serializers.Serializer[Any]):
    """Refuses fields it does not have, at every depth it is used at."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError(
                    {
                        name[:128]: serializers.ErrorDetail(
                            "There is no such field.", "unknown_field"
                        )
                        for name in unknown[:20]
                    }
                )
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of a few values; a refusal names them."""

    default_error_messages = {"invalid_choice": "Use one of: {known}."}

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        super().fail(key, known=", ".join(map(str, self.choices)), **kwargs)


def read_body(kind: type[serializers.Serializer[Any]], request: Any) -> dict[str, Any]:
    """The checked body of a request. Raises `Invalid`."""
    if not isinstance(request.data, dict):
        raise Invalid([FieldError("", "not_an_object", "Send a JSON object.")])
    return _checked(kind(data=request.data))


def read_query(kind: type[serializers.Serializer[Any]], request: Any) -> dict[str, Any]:
    """The checked query parameters of `kind`. What no part of the operation knows never gets here:
    `parameters.refuse_unknown`."""
    return _checked(kind(data=request.query_params))


def _checked(serializer: serializers.Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
