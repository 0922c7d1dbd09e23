"""`python3 platform/stack/bootstrap.py <command>`: what every Makefile target calls.

Runs on a bare machine: git, make, Python 3.11. Until the version is checked below, only syntax
that an older Python can read, so that it can say what is wrong.
"""

import os
import sys
from shutil import which

LEAST = (3, 11)


def newer_python():  # type: ignore[no-untyped-def]  # an older Python reads no annotations
    """Another interpreter of this machine that is new enough, or None."""
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        found = which(name)
        if found and os.system("%s -c 'import venv, ensurepip' 2>/dev/null" % found) == 0:  # noqa: S605, UP031
            return found
    return None


if sys.version_info < LEAST:
    other = newer_python()  # type: ignore[no-untyped-call]
    if other is None:
        sys.exit(
            "Kairos needs Python 3.11 or newer; %s is %d.%d."  # noqa: UP031
            % (sys.executable, sys.version_info[0], sys.version_info[1])
        )
    os.execv(other, [other] + sys.argv)  # noqa: RUF005, S606

# Not the folder of this script: its module names must not hide the standard library's.
SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[0] = SOURCE

if __name__ == "__main__":
    from stack.environment import hand_over

    hand_over(sys.argv[1:])
