"""Tests: real PostgreSQL, real roles, real row security, in a database of their own."""

import os

os.environ.setdefault("KAIROS_MODE", "test")

from config.env import database, env_str
from config.settings.base import *  # noqa: F403

SECRET_KEY = "test-secret-key-that-is-long-enough-for-every-use"  # noqa: S105
KAIROS_ENCRYPTION_KEYS = ["test-encryption-key"]
KAIROS_PEPPERS = ["k1:test-pepper"]
# The server that test databases are made on: a URL of a role that may create roles and databases.
KAIROS_TEST_SERVER = env_str("KAIROS_TEST_SERVER", "postgresql://postgres@127.0.0.1:5432/postgres")
KAIROS_TEST_DB = env_str("KAIROS_TEST_DB", "kairos_test")
_server = database(KAIROS_TEST_SERVER)
DATABASE_OWNER_URL = ""
DATABASES = {
    "default": {
        **_server,
        "NAME": KAIROS_TEST_DB,
        "USER": "kairos_login",
        "PASSWORD": "kairos_login",
        "CONN_MAX_AGE": 0,
        "TEST": {"NAME": KAIROS_TEST_DB},
    }
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.MD5PasswordHasher",
]
CELERY_BROKER_URL = "memory://"
KAIROS_RATE_URL = ""
SECURE_SSL_REDIRECT = False
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
WHITENOISE_USE_FINDERS = True
