"""Production: refuses to start without its secrets."""

from django.core.exceptions import ImproperlyConfigured

from config.env import env_bool
from config.settings.base import *  # noqa: F403
from config.settings.base import KAIROS_ENCRYPTION_KEYS, KAIROS_MODE, KAIROS_PEPPERS, SECRET_KEY

for _name, _value in {
    "SECRET_KEY": SECRET_KEY,
    "KAIROS_ENCRYPTION_KEYS": KAIROS_ENCRYPTION_KEYS,
    "KAIROS_PEPPERS": KAIROS_PEPPERS,
}.items():
    if not _value:
        raise ImproperlyConfigured(f"Set {_name} (see .env.example).")

if KAIROS_MODE == "prod" and env_bool("KAIROS_HTTPS", True):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env_bool("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
