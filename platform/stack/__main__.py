"""`python -m stack <command> [arguments]`, in `.venv`. Use the Makefile; it prepares `.venv`."""

from __future__ import annotations

import sys

from stack.commands import COMMANDS
from stack.place import StackError
from stack.running import Stopped


def main() -> int:
    command, arguments = (sys.argv[1:2] or ["demo"])[0], sys.argv[2:]
    if command not in COMMANDS:
        print(f"No command {command}. There are: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[command](command, arguments)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except (Stopped, KeyboardInterrupt):
        return 130


if __name__ == "__main__":
    sys.exit(main())
