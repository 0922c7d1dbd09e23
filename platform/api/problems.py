"""One error shape for every edge: problem details (RFC 9457) with a stable code.

    {"type": "urn:kairos:problem:<code>", "title", "status", "code", "detail",
     "errors": [{"field", "code", "detail"}], "request_id"}

Domain verbs raise `Problem`; it imports no HTTP framework, the edges turn it into an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

# As RFC 9110 names them, whatever the Python at hand calls them.
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field. `field` is a path such as `batch[3].properties.price`."""

    field: str
    code: str
    detail: str


class Problem(Exception):
    """Something the caller can put right. Nothing was changed."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 400,
        title: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status
        self.title = title or _TITLES.get(status) or HTTPStatus(status).phrase
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def as_dict(self, request_id: str = "") -> dict[str, Any]:
        return {
            "type": f"urn:kairos:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": [asdict(error) for error in self.errors],
            "request_id": request_id,
        }


class Moved(Problem):
    """An old id: its thing is found under another one. Whoever only reads is led there (307);
    whoever writes gets 409 and decides again."""

    def __init__(self, code: str, detail: str, *, field: str, old: str, new: str) -> None:
        errors = [FieldError("id", field, new)]
        super().__init__(code, detail, status=409, errors=errors)
        self.old, self.new = old, new

    def lead(self, method: str | None, address: str) -> None:
        """Makes it a redirect for a request that only reads."""
        if method in {"GET", "HEAD"} and self.old in address:
            self.status, self.title = 307, HTTPStatus(307).phrase
            self.headers["Location"] = address.replace(self.old, self.new)


class NotFound(Problem):
    """The thing does not exist here: also the answer for another workspace's thing."""

    def __init__(self, what: str = "This") -> None:
        super().__init__("not_found", f"{what} does not exist in this workspace.", status=404)


class Invalid(Problem):
    """Fields that cannot be accepted, each named."""

    def __init__(self, errors: Sequence[FieldError], detail: str = "") -> None:
        super().__init__(
            "invalid",
            detail or "; ".join(f"{error.field}: {error.detail}" for error in errors),
            status=422,
            errors=errors,
        )
