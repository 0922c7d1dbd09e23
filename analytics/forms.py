"""Forms of the agency page. They check shapes; the domain verbs check the rest."""

from __future__ import annotations

from django import forms


class ClientForm(forms.Form):
    name = forms.CharField(max_length=120, error_messages={"required": "Write the client's name."})
    country = forms.CharField(max_length=2)
    currency = forms.CharField(max_length=3, required=False)
    timezone = forms.CharField(max_length=64)
    accent = forms.CharField(max_length=7)
    shop_url = forms.CharField(
        max_length=300, error_messages={"required": "Links in texts lead to the shop."}
    )
    sender = forms.CharField(max_length=20, required=False, empty_value="later")
