"""Forms of the settings pages. They check shapes; the domain verbs check the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django import forms

from api.problems import Invalid
from tenancy.domain.keys import SCOPES
from tenancy.models import Organization, Tenant, WriteKey


class ApiKeyForm(forms.Form):
    name = forms.CharField(max_length=80)
    scopes = forms.MultipleChoiceField(
        choices=list(SCOPES.items()),
        error_messages={
            "required": "Choose at least one thing the key may do.",
            "invalid_choice": "Your role does not allow you to make a key with %(value)s.",
        },
    )

    def __init__(self, *args: Any, scopes: Mapping[str, str] = SCOPES, **kwargs: Any) -> None:
        """`scopes`: those that whoever makes the key may give."""
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = list(scopes.items())  # type: ignore[attr-defined]


class WriteKeyForm(forms.Form):
    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(choices=WriteKey.Kind.choices)
    allowed_origins = forms.CharField(required=False, max_length=2000)

    def clean_allowed_origins(self) -> list[str]:
        return _read_origins(self.cleaned_data["allowed_origins"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("kind") == "public" and cleaned.get("allowed_origins") == []:
            self.add_error("allowed_origins", "A public key needs the sites it may be used on.")
        return cleaned


class SiteForm(forms.Form):
    """Where the snippet may be used."""

    allowed_origins = forms.CharField(
        max_length=2000, error_messages={"required": "Write the address of your shop."}
    )

    def clean_allowed_origins(self) -> list[str]:
        return _read_origins(self.cleaned_data["allowed_origins"])


class JoinForm(forms.Form):
    name = forms.CharField(max_length=120, error_messages={"required": "Write your name."})
    password = forms.CharField(
        max_length=200, strip=False, error_messages={"required": "Choose a password."}
    )


class AccessForm(forms.Form):
    """A role, and the clients it holds in."""

    role = forms.CharField(max_length=12, error_messages={"required": "Choose a role."})
    reach = forms.ChoiceField(choices=[("all", "All"), ("some", "Some")])
    workspaces = forms.MultipleChoiceField(required=False)

    def __init__(self, *args: Any, slugs: Iterable[str] = (), **kwargs: Any) -> None:
        """`slugs`: the workspaces that whoever gives it may choose from."""
        super().__init__(*args, **kwargs)
        self.fields["workspaces"].choices = [(slug, slug) for slug in slugs]  # type: ignore[attr-defined]

    def chosen(self, organization: Organization) -> list[Tenant] | None:
        """None for all. Call it on a valid form."""
        if self.cleaned_data["reach"] == "all":
            return None
        slugs = self.cleaned_data["workspaces"]
        return list(Tenant.objects.filter(organization=organization, slug__in=slugs))


class InviteForm(AccessForm):
    email = forms.CharField(max_length=254, error_messages={"required": "Write an e-mail address."})


class RoleForm(forms.Form):
    role = forms.CharField(max_length=12)


def _read_origins(text: str) -> list[str]:
    """One origin a line, such as https://shop.example."""
    origins = list(dict.fromkeys(text.split()))
    for origin in origins:
        try:
            parts = urlsplit(origin)
            rest = parts.path or parts.query or parts.fragment or parts.username is not None
            is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and not rest
        except ValueError:
            is_origin = False
        if not is_origin or len(origin) > 200:
            raise forms.ValidationError(f"{origin[:60]} is no origin: write https://shop.example")
    return origins


def take_over(form: forms.Form, problem: Invalid) -> None:
    """Puts a domain verb's field errors beside the fields they belong to."""
    for error in problem.errors:
        form.add_error(error.field if error.field in form.fields else None, error.detail)
