"""The stack on one machine: its supervisor passes secrets kept in .local/."""

from config.env import env_str
from config.settings.base import *  # noqa: F403
from config.settings.base import KAIROS_ENCRYPTION_KEYS, KAIROS_PEPPERS

# Only for commands typed by hand beside the stack, which generates and passes real ones.
SECRET_KEY = env_str("SECRET_KEY", "only-for-this-machine-never-for-production")
KAIROS_ENCRYPTION_KEYS = KAIROS_ENCRYPTION_KEYS or ["only-for-this-machine"]
KAIROS_PEPPERS = KAIROS_PEPPERS or ["k1:only-for-this-machine"]
# Nothing is collected on one machine: files are served from where they are.
WHITENOISE_USE_FINDERS = True
