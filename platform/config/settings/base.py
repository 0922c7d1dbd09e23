"""Settings of every mode. What differs by installation comes from the environment."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.env import database, env_bool, env_int, env_list, env_str
from config.schedule import SCHEDULE

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "platform" / "web"
LOCAL = Path(env_str("KAIROS_LOCAL", str(ROOT / ".local")))

# --- mode ---------------------------------------------------------------------------------
# prod | demo | test | dev. The business clock may be moved only in demo and test.
KAIROS_MODE = env_str("KAIROS_MODE", "prod")
DEBUG = env_bool("DEBUG")
SECRET_KEY = env_str("SECRET_KEY")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

# What the outside world calls us: webhooks, short links. Never taken from a request.
KAIROS_PUBLIC_BASE_URL = env_str("KAIROS_PUBLIC_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
# Short links in texts; the host the redirect answers on.
KAIROS_LINK_BASE_URL = env_str("KAIROS_LINK_BASE_URL", KAIROS_PUBLIC_BASE_URL).rstrip("/")
# None: the real Twilio. The demo points it at the carrier simulator. Never a tenant's setting.
KAIROS_TWILIO_BASE_URL = env_str("KAIROS_TWILIO_BASE_URL") or None
# The test phone and a number at the simulator: in demo and test, and wherever the stack runs the
# simulator itself. Never where texts may leave this machine.
KAIROS_TEST_PHONE = KAIROS_MODE in {"demo", "test"} or (
    KAIROS_MODE == "dev" and KAIROS_TWILIO_BASE_URL is not None and env_bool("KAIROS_TEST_PHONE")
)
# Comma-separated; the first encrypts, all decrypt. Peppers: "k1:secret,k0:older".
KAIROS_ENCRYPTION_KEYS = env_list("KAIROS_ENCRYPTION_KEYS")
KAIROS_PEPPERS = env_list("KAIROS_PEPPERS")
KAIROS_SUBMIT_THREADS = env_int("KAIROS_SUBMIT_THREADS", 48)
# How many proxies of ours stand before the web server: whose X-Forwarded-For entry is believed.
# The demo's people all live on this machine, so there they are believed about their addresses.
KAIROS_TRUSTED_PROXIES = env_int("KAIROS_TRUSTED_PROXIES", 1 if KAIROS_MODE == "demo" else 0)
# After this long without an answer a text is looked for at the gateway, and once more after the
# second span. Longer than a POST may take (10 s), or texts on their way are looked for in vain.
KAIROS_ANSWER_SECONDS = env_int("KAIROS_ANSWER_SECONDS", 120)
KAIROS_LOOK_AGAIN_SECONDS = env_int("KAIROS_LOOK_AGAIN_SECONDS", 120)
# Outgoing webhooks may reach this machine itself; for a demo, a test and nothing else.
KAIROS_WEBHOOK_LOOPBACK = env_bool("KAIROS_WEBHOOK_LOOPBACK")
if KAIROS_WEBHOOK_LOOPBACK and KAIROS_MODE not in {"demo", "test"}:
    raise ImproperlyConfigured("KAIROS_WEBHOOK_LOOPBACK is for the modes demo and test only.")

# --- parts --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_cotton",
    "django_htmx",
    "django_vite",
    "rest_framework",
    "drf_spectacular",
    "api",
    "web",
    "tenancy",
    "people",
    "events",
    "commerce",
    "segments",
    "consent",
    "templates_engine",
    "imports",
    "delivery",
    "connectors",
    "triggers",
    "analytics",
]
if KAIROS_TEST_PHONE:
    INSTALLED_APPS += ["demo"]

MIDDLEWARE = [
    "api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "api.middleware.ProblemMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 12_000_000  # the edges answer 413 themselves, with a problem body

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.shell",
            ],
        },
    },
]

# --- database -----------------------------------------------------------------------------
# The app logs in as kairos_login: not an owner, no superuser, no BYPASSRLS. Only
# `setup_database` uses the owner's URL.
DATABASE_URL = env_str("DATABASE_URL", "postgresql://kairos_login@127.0.0.1:5432/kairos")
DATABASE_OWNER_URL = env_str("DATABASE_OWNER_URL")
DATABASES = {"default": database(DATABASE_URL)}
KAIROS_OWNER_DATABASE = database(DATABASE_OWNER_URL) if DATABASE_OWNER_URL else None
DATABASES["default"]["TEST"] = {"MIGRATE": False}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- broker and cache ---------------------------------------------------------------------
REDIS_URL = env_str("REDIS_URL", "redis://127.0.0.1:6379/0")
# Where requests of API keys are counted (nowhere in tests: each process for itself), and how many
# there may be a minute.
KAIROS_RATE_URL = REDIS_URL
KAIROS_API_RATE = env_int("KAIROS_API_RATE", 6000)
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = env_str("CELERY_BROKER_URL") or REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 5, "socket_connect_timeout": 1, "max_retries": 0}
    if CELERY_BROKER_URL.startswith(("redis", "valkey", "unix"))
    else {"max_retries": 0}
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "live"
CELERY_TASK_ROUTES = {"*.bulk_*": {"queue": "bulk"}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(LOCAL / "beat-schedule")

# --- who logs in --------------------------------------------------------------------------
AUTH_USER_MODEL = "tenancy.User"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "web.views.refuse_csrf"
CSRF_FAILURE_VIEW = "web.views.refuse_csrf"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- time and language --------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

# --- static files -------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = LOCAL / "staticfiles"
STATICFILES_DIRS = [("web", WEB / "dist")] if (WEB / "dist").exists() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Not the manifest storage: Vite already names its files by their content.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
_HASHED = re.compile(r"^/static/web/assets/.+-[\w-]{8}\.\w+$")


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:
    return bool(_HASHED.match(url))


VITE_DEV = DEBUG and env_bool("VITE_DEV")
DJANGO_VITE = {
    "default": {
        "dev_mode": VITE_DEV,
        "dev_server_host": "127.0.0.1",
        "static_url_prefix": "web",
        "manifest_path": WEB / "dist" / "manifest.json",
    }
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
if VITE_DEV:  # Vite injects styles and talks over a web socket
    _vite = "http://127.0.0.1:5173"
    _directives = CONTENT_SECURITY_POLICY["DIRECTIVES"]
    for _name in ("script-src", "font-src", "img-src"):
        _directives[_name] = [*_directives[_name], _vite]
    _directives["style-src"] = [SELF, "'unsafe-inline'", _vite]
    _directives["connect-src"] = [SELF, _vite, "ws://127.0.0.1:5173"]

# --- API ----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.JsonParser"],
    "EXCEPTION_HANDLER": "api.handler.handle_exception",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.AlwaysJson",
    "DEFAULT_SCHEMA_CLASS": "api.schema.KairosSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Kairos",
    "VERSION": "0.1.0",
    "DESCRIPTION": "The right text, to the right person, at the right moment. One key opens one workspace.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SORT_OPERATIONS": False,
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "Bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
            "Basic": {"type": "http", "scheme": "basic", "description": "An API key as user name."},
        }
    },
}

# --- logs: structured, numbers masked -----------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"mask": {"()": "api.logs.MaskFilter"}},
    "formatters": {"json": {"()": "api.logs.JsonFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["mask"]}
    },
    "root": {"handlers": ["stderr"], "level": env_str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # Its INFO lines print query parameters, phone numbers among them.
        "twilio.http_client": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
