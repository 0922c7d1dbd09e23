"""Is this webhook really from Twilio? Checked with the SDK's own validator.

Twilio signs the URL it was given, so the URL is rebuilt from the configured public base, never
from the Host header, which a proxy or an attacker may have changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest, QueryDict
from twilio.request_validator import RequestValidator, get_signature_algorithm

SIGNATURE_HEADER = "X-Twilio-Signature"
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"


def webhook_url(request: HttpRequest) -> str:
    """The URL Twilio signed: the configured public base, the path and the query as received."""
    query = request.META.get("QUERY_STRING", "")
    path = request.get_full_path().split("?", 1)[0]
    return f"{settings.KAIROS_PUBLIC_BASE_URL}{path}" + (f"?{query}" if query else "")


def valid_request(request: HttpRequest, tokens: Iterable[str]) -> bool:
    """Whether a webhook request carries a valid signature for any of the auth tokens."""
    return signing_token(request, tokens) is not None


def signing_token(request: HttpRequest, tokens: Iterable[str]) -> str | None:
    """Which of the auth tokens a webhook request was signed with, None for none of them.

    JSON bodies are checked by their hash in the query, form bodies by their parameters.
    """
    params: QueryDict | str = request.POST
    if (request.content_type or "").partition(";")[0].strip().endswith("json"):
        try:
            params = request.body.decode()
        except UnicodeDecodeError:
            return None
    url, signature = webhook_url(request), request.headers.get(SIGNATURE_HEADER)
    how = request.headers.get(SETTINGS_HEADER)
    for token in tokens:
        if valid_signature(url, params, signature, [token], signature_settings=how):
            return token
    return None


def valid_signature(
    url: str,
    params: QueryDict | str,
    signature: str | None,
    tokens: Iterable[str],
    *,
    signature_settings: str | None = None,
) -> bool:
    """Whether `signature` was made with one of `tokens` (two during a rotation).

    url: exactly what was given to Twilio, without its fragment.
    params: the QueryDict of a form (a plain dict would lose repeated values and break the
        signature), or the body of a JSON webhook as text; its hash must stand in the URL's query.
    signature_settings: the header that names another algorithm than HMAC-SHA1.
    """
    if not signature:
        return False
    if isinstance(params, str) and "bodySHA256" not in parse_qs(urlsplit(url).query):
        return False  # nothing ties the body to the signature
    algorithm = get_signature_algorithm(signature_settings)
    for token in tokens:
        if token and RequestValidator(token).validate(url, params, signature, algorithm):
            return True
    return False
