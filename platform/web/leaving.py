"""Where a form leads after it was saved on the way to another page (`<unsaved-guard>`)."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.http import url_has_allowed_host_and_scheme


def read_next(form: Mapping[str, str]) -> str:
    """The page named in `next`, "" unless it is one of ours."""
    following = form.get("next", "")
    ours = following.startswith("/") and url_has_allowed_host_and_scheme(
        following, allowed_hosts=None
    )
    return following if ours else ""
